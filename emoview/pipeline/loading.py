"""Importing the branches, and loading the models that they ask."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from emoview.media.endings import SOUND
from emoview.timeline.options import Options

if TYPE_CHECKING:
    from emoview.pipeline.models import Models


def import_branches(options: Options, path: Path) -> None:
    """Import what the branches are made of, which takes longer than to look at a file.

    The face's is left for later where the name of the file promises sound alone.
    """
    if options.modality != "voice" and path.suffix.lower() not in SOUND:
        # Its functions import what needs OpenCV themselves: results of sound alone are made by some of them.
        import emoview.face.covered
        import emoview.face.quality
        import emoview.pipeline.faces
        import emoview.pipeline.finding
    if options.modality != "face":
        import emoview.pipeline.channels
        import emoview.pipeline.voice  # noqa: F401
    from emoview.networks.onnx_runtime import runtime

    runtime()


def models_for(options: Options) -> tuple[str, Models]:
    """Load the models that an analysis asks for, once a process; give what they run on, too.

    Raises:
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    return _models(options.device, options.runs, options.voice_features)


class Loader:
    """Gives the models, loading them at the first need; several stages may ask at once."""

    def __init__(self, options: Options) -> None:
        self._asked = options.device, options.runs, options.voice_features
        self._lock = threading.Lock()
        self.device_used = "cpu"

    def __call__(self, *, faces: bool = False) -> Models:
        """Give the models; those of faces are loaded at once if asked for."""
        with self._lock:
            self.device_used, models = _models(*self._asked)
            if faces and "face" not in models.stand_ins:
                models.face_cnn, models.face_gru  # noqa: B018
            return models


@functools.cache
def _models(device: str, runs: tuple[str, ...], features: str) -> tuple[str, Models]:
    """Keep the models between calls: building them anew for each file costs time and memory."""
    from emoview.pipeline.device import Device, select_device

    used, engine = select_device(Device(device))
    from emoview.pipeline.models import Models
    from emoview.voice.features import VoiceFeatures

    return used, Models(runs, engine, VoiceFeatures(features))
