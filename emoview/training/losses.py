"""Losses that Keras does not have."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable("emoview")
class MulticlassHinge(keras.losses.Loss):  # type: ignore[misc]
    """L2 multi-class support vector machine (system E, equation 33).

    Every wrong label whose score does not stay `delta` below that of the right one costs the square of what
    it lacks; the loss of a batch of N examples is the root of the sum over all, divided by N.
    """

    def __init__(self, delta: float = 1.0, **options: Any) -> None:
        # The root is taken of the whole batch: there is nothing left to reduce.
        super().__init__(**{**options, "name": "multiclass_hinge", "reduction": None})
        self.delta = delta

    def __call__(self, targets: Any, scores: Any, sample_weight: Any = None) -> Any:
        """Give the loss of targets and scores, both `(batch, labels)`, as one number.

        Targets are one-hot, or probabilities.  Weights, `(batch,)`, multiply the sums of squares of
        the examples.
        """
        squares = self.call(targets, scores)
        if sample_weight is not None:
            squares = squares * keras.ops.cast(keras.ops.reshape(sample_weight, (-1,)), squares.dtype)
        total = keras.ops.sum(squares)
        # At nothing the root has no slope.
        some = total > 0
        root = keras.ops.where(some, keras.ops.sqrt(keras.ops.where(some, total, 1.0)), 0.0)
        return root / keras.ops.cast(keras.ops.shape(squares)[0], root.dtype)

    def call(self, targets: Any, scores: Any) -> Any:
        """Give the sum of the squared lacks of each example, `(batch,)`.

        Of targets that are probabilities it is the expectation: the sums for each label as the right one,
        weighted by its probability.
        """
        ops = keras.ops
        scores = ops.convert_to_tensor(scores, self.dtype)
        targets = ops.convert_to_tensor(targets, self.dtype)
        lacks = ops.maximum(ops.expand_dims(scores, -2) - ops.expand_dims(scores, -1) + self.delta, 0.0)
        # The right label itself lacks its margin, and counts for nothing.
        return ops.sum(targets * (ops.sum(lacks**2, axis=-1) - self.delta**2), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Describe the loss for storing."""
        return {"delta": self.delta}
