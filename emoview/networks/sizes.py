"""Sizes that the shipped networks and those who feed them agree on."""

from __future__ import annotations

from typing import Final

FACE_SIZE: Final = 48
"""Height and width, in pixels, of the pictures that the face network is made for."""
LARGE_FACE_SIZE: Final = 64
"""The same of larger ones, which it knows as well."""
LARGEST_FACE_SIZE: Final = 80
"""And of those in which it sees faces that are in no video: they take the longest."""
FACE_DEPTHS: Final = (1, 1, 2, 2)
"""Residual blocks of the face network's stages."""
EMBEDDING: Final = 256
"""Values of a face embedding."""
FACE_MAPS: Final = (6, 6, 128)
"""Shape of the face network's maps before its last stage, of a face of 48 pixels."""
IDENTITY: Final = 128
"""Values of what is said of whose a face is."""
DESCRIPTORS: Final = 105
"""Values of a voice tick: 65 openSMILE descriptors and 40 MFCCs."""
FUNCTIONALS: Final = 6373
"""Functionals of ComParE 2016."""
BUILTIN_DESCRIPTORS: Final = 94
"""Values of a voice tick without openSMILE: 54 descriptors and 40 MFCCs."""
BUILTIN_FUNCTIONALS: Final = 2876
"""Functionals of those, and of 16 of these."""
EARLY_INPUTS: Final = EMBEDDING + 9 + 2
"""Embedding, nine voice logits, and whether there is a face and speech."""
SPEAKER_INPUTS: Final = 40
"""Values a tick of what tells voices apart: MFCCs, the last of either kind of a voice tick."""
SPEAKER_EMBEDDING: Final = 128
"""Values of what is said of a voice."""
