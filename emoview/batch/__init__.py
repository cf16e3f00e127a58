"""Many files at once: what is to be done, who does it, what was done already, and the summary."""
