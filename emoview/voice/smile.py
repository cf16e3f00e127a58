"""openSMILE's feature sets through its library, without the tables that its package makes of numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.common.parts import without_init
from emoview.timeline.clock import SAMPLE_RATE

_WINDOWS_CONFIG = Path(__file__).with_name("windows.conf.inc")


class Level(str, Enum):
    """What is taken out of openSMILE, by the names in its configuration."""

    DESCRIPTORS = "lld"
    FUNCTIONALS = "func"


class FunctionalSet(str, Enum):
    """Sets of functionals by their configuration in openSMILE's package, which has no `emo_large`."""

    COMPARE_2016 = "compare/ComParE_2016"
    EMOBASE = "emobase/emobase"
    IS10 = "is09-13/IS10_paraling_compat"

    @property
    def width(self) -> int:
        """How many functionals."""
        return {"COMPARE_2016": 6373, "EMOBASE": 988, "IS10": 1582}[self.name]


def compare_2016(samples: NDArray[np.float32], level: Level) -> NDArray[np.float32]:
    """Compute ComParE 2016 (Schuller et al. 2016, Interspeech).

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        level: What.

    Returns:
        `(frames, 65)` descriptors every 10 ms, or `(1, 6373)` functionals; no rows where the signal is
        too short.  What cannot be computed is NaN.
    """
    with _opened(level) as (smile, config):
        return _run(smile, config, samples)


def functionals_of(samples: NDArray[np.float32], which: FunctionalSet) -> NDArray[np.float32]:
    """Compute a set of functionals over a whole signal.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        which: ComParE 2016, emobase (Eyben et al. 2010, ACM Multimedia), or the set of the Paralinguistic
            Challenge of 2010 (Schuller et al. 2010, Interspeech).

    Returns:
        `(1, which.width)`; no rows where the signal is too short.  What cannot be computed is NaN.
    """
    with _opened(Level.FUNCTIONALS, which) as (smile, config):
        return _run(smile, config, samples)


def compare_2016_windows(
    samples: NDArray[np.float32], windows: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """Compute the functionals of windows, whose descriptors are computed but once where they overlap.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        windows: First frame of 10 ms, and frame after the last, of each; a frame wants 50 ms of samples
            behind its beginning.

    Returns:
        `(windows, 6373)`.  What cannot be computed is NaN.
    """
    listed = ",".join(f"{first}-{last}" for first, last in windows)
    with _opened(Level.FUNCTIONALS, frameModeFunctionalsConf=_WINDOWS_CONFIG, windows=listed) as (
        smile,
        config,
    ):
        return _run(smile, config, samples)


def _run(smile: Any, config: Any, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    frames: list[NDArray[np.float32]] = []
    smile.external_sink_set_callback(
        config.EXTERNAL_OUTPUT_COMPONENT, lambda frame: frames.append(frame.copy())
    )
    # Full scale itself is one step too high, and would become its opposite.
    pcm = np.clip(samples * 32768, -32768, 32767).astype(np.int16).tobytes()
    smile.external_audio_source_write_data(config.EXTERNAL_SOURCE_COMPONENT, pcm)
    smile.external_audio_source_set_eoi(config.EXTERNAL_SOURCE_COMPONENT)
    smile.run()
    return np.asarray(np.stack(frames) if frames else np.zeros((0, 0)), np.float32)


def names(level: Level) -> list[str]:
    """Name the columns as openSMILE does: `F0final_sma`, `F0final_sma_amean`."""
    with _opened(level) as (smile, config):
        sink = config.EXTERNAL_OUTPUT_COMPONENT
        count = smile.external_sink_get_num_elements(sink)
        return [smile.external_sink_get_element_name(sink, column) for column in range(count)]


@contextmanager
def _opened(
    level: Level, which: FunctionalSet = FunctionalSet.COMPARE_2016, **options: object
) -> Iterator[tuple[Any, Any]]:
    """Give openSMILE, ready to take samples, and the names of its parts."""
    with without_init("opensmile", "opensmile.core"):
        from opensmile.core import lib
        from opensmile.core.config import config
    root = Path(lib.__file__).parent / config.CONFIG_ROOT
    smile = lib.OpenSMILE()
    # A reset takes as long as a new one, so none is kept.
    smile.initialize(
        str(root / f"{which.value}{config.CONFIG_EXT}"),
        {
            "source": root / config.EXTERNAL_INPUT_CONFIG,
            "sink": root / config.EXTERNAL_OUTPUT_SINGLE_CONFIG,
            "sinkLevel": level.value,
            "bufferModeRbConf": root / "shared" / "BufferModeRb.conf.inc",
            "frameModeFunctionalsConf": root / "shared" / "FrameModeFunctionals.conf.inc",
            "sampleRate": SAMPLE_RATE,
            "nBits": 16,
            **options,
        },
    )
    try:
        yield smile, config
    finally:
        smile.free()
