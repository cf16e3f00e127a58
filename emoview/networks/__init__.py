"""Keras architectures, one family a file, nothing but layers."""
