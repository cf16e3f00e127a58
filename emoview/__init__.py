"""emoview: what face and voice show in a video, as a timeline.

>>> from pathlib import Path
>>> from emoview import *
>>> LABELS
('neutral', 'anger', 'disgust', 'fear', 'happy', 'sad', 'surprise')
>>> result = analyze("clip.mp4")
>>> result.overall.label
'happy'
"""

from __future__ import annotations

import os
import platform
import sys

# OpenCV looks when it is loaded: a picture of a few kilobytes can unpack to gigabytes, no photograph does.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(2**27))

if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    raise ImportError(
        "emoview runs on Python 3.10 to 3.12, this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: make an environment with another Python"
    )

if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
    raise ImportError(
        f"emoview runs on Linux x86-64 only, this is {sys.platform} on {platform.machine()}: use such a "
        "machine, a container or WSL 2"
    )

# ONNX Runtime looks at this while it is imported, and by then has written an identifier and may have sent it.
# Processes that are started from here inherit it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Before the imports: results say which version made them.
__version__ = "0.1.0"

from emoview.errors import (
    ClusterError,
    DatasetError,
    DecodeError,
    DeviceError,
    EmoviewError,
    InputError,
    NoResultError,
    OutputError,
    WeightsError,
)
from emoview.output.writers import Writer
from emoview.pipeline.api import Analyzer, analyze, read
from emoview.pipeline.events import Progress
from emoview.pipeline.result import Result
from emoview.pipeline.streams import Stream
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceEffect, VoiceReasons
from emoview.timeline.labels import LABELS, Naming
from emoview.timeline.moments import Disagreement, Moment, disagreements, strongest
from emoview.timeline.options import Options
from emoview.timeline.results import (
    Analysis,
    FaceBox,
    FaceFound,
    MediaFacts,
    Overall,
    OwnBaseline,
    Row,
    Segment,
    Speaker,
    Verdict,
    WeightUsed,
)
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import LabelShare, Shares, shares_by_person, shares_of

__all__ = [
    "LABELS",
    "Analysis",
    "Analyzer",
    "ClusterError",
    "DatasetError",
    "DecodeError",
    "DeviceError",
    "Disagreement",
    "EmoviewError",
    "Explanation",
    "FaceBox",
    "FaceFound",
    "FaceReasons",
    "InputError",
    "LabelShare",
    "MediaFacts",
    "Moment",
    "Naming",
    "NoResultError",
    "Options",
    "OutputError",
    "Overall",
    "OwnBaseline",
    "Progress",
    "Result",
    "Row",
    "Segment",
    "Shares",
    "Speaker",
    "Stream",
    "Verdict",
    "VoiceEffect",
    "VoiceReasons",
    "WeightUsed",
    "WeightsError",
    "Writer",
    "analyze",
    "disagreements",
    "read",
    "segments_of",
    "shares_by_person",
    "shares_of",
    "strongest",
]
