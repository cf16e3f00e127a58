"""What can be chosen of a network by name; importing this imports no Keras."""

from __future__ import annotations

from typing import Literal

Preparation = Literal["unit", "picture", "pixel", "both"]
"""What a network does to pictures in [0, 1] first."""
Activation = Literal[
    "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "tanh", "sigmoid", "hard_sigmoid", "softmax",
    "softplus", "softsign", "exponential", "linear",
]  # fmt: skip
"""What becomes of the values of a layer, by its name in Keras."""
Aggregate = Literal["mean", "median"]
"""What becomes of the logits of ticks or frames."""
EarlyVariant = Literal["descriptors", "sound-gru", "dense", "two-grus"]
EARLY_VARIANTS: tuple[EarlyVariant, ...] = ("descriptors", "sound-gru", "dense", "two-grus")
"""The early fusions of a face sequence and a voice sequence."""
