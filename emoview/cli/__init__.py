"""The command line: one file a command, options in, one call, rendering out."""
