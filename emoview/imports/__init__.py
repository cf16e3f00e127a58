"""Findings of other programs as results: OpenFace and py-feat."""
