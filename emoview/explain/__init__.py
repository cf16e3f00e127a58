"""Explanations: where on the face, and what in the voice, a segment's label came from."""
