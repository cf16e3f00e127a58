"""What takes both a result and its video: report pages and overlays."""
