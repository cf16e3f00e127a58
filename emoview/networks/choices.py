"""What can be chosen of a network by name; importing this imports no Keras."""

from __future__ import annotations

from typing import Literal

Preparation = Literal["unit", "picture", "pixel", "both"]
"""What a network does to pictures in [0, 1] first."""
Aggregate = Literal["mean", "median"]
"""What becomes of the logits of ticks or frames."""
EarlyVariant = Literal["descriptors", "sound-gru", "dense", "two-grus"]
EARLY_VARIANTS: tuple[EarlyVariant, ...] = ("descriptors", "sound-gru", "dense", "two-grus")
"""The early fusions of a face sequence and a voice sequence."""
