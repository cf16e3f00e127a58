"""The networks behind the shipped weights, in the sizes in which they ship."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.networks.face_cnn import face_cnn
from emoview.networks.sizes import (
    BUILTIN_DESCRIPTORS,
    BUILTIN_FUNCTIONALS,
    DESCRIPTORS,
    EARLY_INPUTS,
    EMBEDDING,
    FACE_MAPS,
    FUNCTIONALS,
    IDENTITY,
)
from emoview.networks.speaker import build_speaker
from emoview.networks.temporal import clip_network, gru_network, tcn_network

LABELS = 7
VOICE_LABELS = 9
"""The seven labels, calm and boredom."""
VOICE_BRANCHES = (False, True)
"""Of each branch of the voice network over ticks, whether it sees what differs from around alone."""
BUILTIN_BRANCHES = (True,)
"""The same of the one whose input is described without openSMILE."""
VOICE_CLIP_WIDTH = 320
"""Hidden units of the network over functionals."""


def build_face_gru() -> keras.Model:
    """Build the GRU over face embeddings."""
    return gru_network(inputs=EMBEDDING, labels=LABELS, units=48, project=64, dropout=0.4, name="face_gru")


def build_face_votes() -> keras.Model:
    """Build what tells from face embeddings how raters would vote, as those of FER+ did."""
    embedding = keras.Input((EMBEDDING,), name="embedding")
    votes = keras.layers.Dense(LABELS, name="votes", dtype="float32")(embedding)
    return keras.Model(embedding, votes, name="face_votes")


def build_face_identity() -> keras.Model:
    """Build what tells from the face network's maps whose face it is: one linear layer over 3x3 places."""
    maps = keras.Input(FACE_MAPS, name="maps")
    x = keras.layers.AveragePooling2D(2)(maps)
    x = keras.layers.Conv2D(IDENTITY, 3, padding="valid", name="whitened")(x)
    return keras.Model(maps, keras.layers.GlobalAveragePooling2D(name="identity")(x), name="face_identity")


def build_voice_tcn(inputs: int = DESCRIPTORS, branches: tuple[bool, ...] = VOICE_BRANCHES) -> keras.Model:
    """Build the temporal convolutional network over descriptors and MFCCs; for branches, see above."""
    return tcn_network(inputs=inputs, labels=VOICE_LABELS, local=branches, name="voice_tcn")


def build_voice_clip(
    inputs: int = FUNCTIONALS, *, weights: NDArray[np.float32] | None = None, parts: int = 1
) -> keras.Model:
    """Build the network over the functionals of a window, or one of equal `parts` of it.

    For `weights`, see `clip_network`.
    """
    return clip_network(inputs=inputs, labels=VOICE_LABELS, width=VOICE_CLIP_WIDTH // parts, weights=weights)


def build_early_fusion() -> keras.Model:
    """Build the GRU over face embeddings and the voice's logits a tick."""
    return gru_network(
        inputs=EARLY_INPUTS, labels=LABELS, units=48, project=64,
        dropout=0.4, name="early_fusion",
    )  # fmt: skip


BUILDERS: Mapping[str, Callable[[], keras.Model]] = {
    "face_cnn": face_cnn,
    "face_gru": build_face_gru,
    "face_votes": build_face_votes,
    "face_identity": build_face_identity,
    "voice_tcn": build_voice_tcn,
    "voice_clip": build_voice_clip,
    "voice_tcn_builtin": partial(build_voice_tcn, BUILTIN_DESCRIPTORS, BUILTIN_BRANCHES),
    "voice_clip_builtin": partial(build_voice_clip, BUILTIN_FUNCTIONALS),
    "early_fusion": build_early_fusion,
    "speaker": build_speaker,
}
"""By the names of their files."""
