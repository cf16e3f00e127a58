"""Live: cameras and streams, the analysis that never looks ahead, and the page in a browser."""
