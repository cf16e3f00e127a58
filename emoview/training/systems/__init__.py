"""The published systems, each trainable by its name."""
