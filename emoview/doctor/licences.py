"""The terms that apply to an analysis on this machine."""

from __future__ import annotations

import re

OPENSMILE = (
    "audEERING Research License: research and personal use; commercial use needs a licence from audEERING"
)
WEIGHTS = "research and non-commercial use, as the data they were trained on"
FACE_MODELS = "Apache-2.0, from the wheel of mediapipe 0.10.21"
CODE = "MIT"


def ffmpeg_terms(version: str) -> str:
    """Tell the licence of a build of ffmpeg, by FFmpeg's own rules.

    Args:
        version: What `ffmpeg -version` prints.
    """
    options = set(re.findall(r"--enable-(gpl|nonfree|version3)\b", version))
    if "nonfree" in options:
        licence = "must not be passed on"
    elif "gpl" in options:
        licence = f"GPL version {3 if 'version3' in options else 2} or later"
    else:
        licence = f"LGPL version {'3' if 'version3' in options else '2.1'} or later"
    built = " ".join(f"--enable-{option}" for option in sorted(options))
    return f"{licence} (built with {built})" if built else licence
