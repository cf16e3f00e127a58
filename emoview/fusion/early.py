"""What the early-fusion network sees: a face embedding and the voice's logits, tick by tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def early_input(
    embeddings: NDArray[np.float32],
    has_face: NDArray[np.bool_],
    voice_logits: NDArray[np.float32],
    speech: NDArray[np.bool_],
) -> NDArray[np.float32]:
    """Join both modalities per tick; what is missing is zero and says so.

    Args:
        embeddings: `(ticks, n)` of the face network.
        has_face: `(ticks,)`.
        voice_logits: `(ticks, 9)` of the voice network over ticks.
        speech: `(ticks,)`, where somebody speaks.

    Returns:
        `(ticks, n + 11)`.
    """
    return np.concatenate(
        [
            embeddings * has_face[:, None],
            voice_logits * speech[:, None],
            np.stack([has_face, speech], axis=1),
        ],
        axis=1,
        dtype=np.float32,
    )
