"""The networks behind the shipped weights, in the sizes in which they ship."""

from __future__ import annotations

import keras

from emoview.networks.temporal import clip_network, gru_network

EMBEDDING = 256
"""Values of a face embedding."""
DESCRIPTORS = 105
"""Values of a voice tick: 65 openSMILE descriptors and 40 MFCCs."""
FUNCTIONALS = 6373
"""Functionals of ComParE 2016."""
LABELS = 7
VOICE_LABELS = 9
"""The seven labels, calm and boredom."""
EARLY_INPUTS = EMBEDDING + VOICE_LABELS + 2
"""Embedding, voice logits, and whether there is a face and speech."""


def build_face_gru() -> keras.Model:
    """Build the GRU over face embeddings."""
    return gru_network(inputs=EMBEDDING, labels=LABELS, units=48, project=64, dropout=0.4, name="face_gru")


def build_voice_gru() -> keras.Model:
    """Build the GRU over openSMILE descriptors and MFCCs."""
    return gru_network(
        inputs=DESCRIPTORS, labels=VOICE_LABELS, units=64,
        convolution=True, attention=True, dropout=0.4, name="voice_gru",
    )  # fmt: skip


def build_voice_clip() -> keras.Model:
    """Build the network over the functionals of a window."""
    return clip_network(inputs=FUNCTIONALS, labels=VOICE_LABELS, width=256)


def build_early_fusion() -> keras.Model:
    """Build the GRU over face embeddings and the voice GRU's logits."""
    return gru_network(
        inputs=EARLY_INPUTS, labels=LABELS, units=48, project=64,
        dropout=0.4, name="early_fusion",
    )  # fmt: skip
