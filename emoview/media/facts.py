"""What is known of a file that can be analysed: its streams, and when each starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.common.text import name_of
from emoview.timeline.clock import TICK_HZ

# Decoders of sound need some packets before the first that they get right, and pictures a key picture.
_RUN_UP_S = 1.0
# Channels of which ffmpeg's own rules mix all but the bass: of more it mixes some, or refuses to, as where no
# places are told.  Recorders with many microphones write such.
_MOST_IN_MIX: Final = 8

HDR: Final = {"smpte2084": "PQ, as in HDR10", "arib-std-b67": "HLG"}
"""Transfer functions of high dynamic range as ffmpeg names them, with what people call them."""


@dataclass(frozen=True)
class VideoStream:
    """The picture stream that is analysed.

    Attributes:
        index: Number of the stream in the file.
        codec: As ffmpeg names it.
        width: Pixels as shown, after rotation and with square pixels.
        height: Likewise.
        rate: Nominal pictures a second; None where the file does not say.
        rotation: Degrees by which the file asks its pictures to be turned.
        start_s: Time of the first picture, in seconds on the file's own clock.
        odd_colours: Whether the file names a matrix of colours that ffmpeg cannot be asked for.
        odd_aspect: Whether its pixels claim a shape that none have, and are taken to be square.
        hdr: Its transfer function, if that is one of high dynamic range: one of `HDR`.
        pixel: Width of a pixel over its height, before rotation.
        may_reshape: Whether that may change in the midst of the file.
    """

    index: int
    codec: str
    width: int
    height: int
    rate: float | None
    rotation: int
    start_s: float
    odd_colours: bool = False
    odd_aspect: bool = False
    hdr: str | None = None
    pixel: float = 1.0
    may_reshape: bool = False


@dataclass(frozen=True)
class AudioStream:
    """The sound stream that is analysed.

    Attributes:
        index: Number of the stream in the file.
        codec: As ffmpeg names it.
        rate: Samples a second in the file.
        channels: As ffmpeg names the layout, such as `stereo`.
        start_s: Time of the first sample, in seconds on the file's own clock.
        count: How many channels; None where the layout does not tell.
    """

    index: int
    codec: str
    rate: int
    channels: str
    start_s: float
    count: int | None = None

    @property
    def unplaced(self) -> bool:
        """Whether ffmpeg's own rules would leave out channels: the file tells no places, or they are many."""
        return self.count is not None and (
            self.channels == f"{self.count} channels" or self.count > _MOST_IN_MIX
        )


@dataclass(frozen=True)
class SoundTrack:
    """A sound stream as users choose it.

    Attributes:
        number: Among the sound streams, from 1.
        index: Number of the stream in the file.
        names: What the file calls it, the title first; none where it says nothing.
        decodes: Whether it can be decoded.
    """

    number: int
    index: int
    names: tuple[str, ...] = ()
    decodes: bool = True

    def __str__(self) -> str:
        """Give the number, and the names if there are any: `2 (Commentary, eng)`."""
        return f"{self.number} ({', '.join(map(name_of, self.names))})" if self.names else str(self.number)


@dataclass(frozen=True)
class Stretch:
    """The part of a file that is analysed, in seconds after its first picture or sound.

    Attributes:
        start_s: Where it starts.
        end_s: Where it ends; None for the end of the file.
    """

    start_s: float = 0.0
    end_s: float | None = None

    def __post_init__(self) -> None:
        """Keep whole seconds as they are read back: 2.0."""
        for name in ("start_s", "end_s"):
            if type(getattr(self, name)) is int:
                object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def ticks(self) -> int | None:
        """How many ticks it holds; None where it has no end."""
        return None if self.end_s is None else max(1, round((self.end_s - self.start_s) * TICK_HZ))


WHOLE: Final = Stretch()


@dataclass(frozen=True)
class Media:
    """A file that can be analysed.

    Attributes:
        path: The file.
        duration_s: What its header claims, of the stretch; None where it claims nothing.
        video: Its first picture stream that is not a cover picture, or None.
        audio: Its first sound stream, or the one that was asked for, or None.
        stretch: The part that is analysed.
        indexed: Whether ffmpeg can jump to an exact time in it.
        undecoded: What it holds that cannot be decoded, such as `pictures (vp9)`.
        tracks: How many picture streams and sound streams it holds.
        missing_bytes: How much shorter the file is than it says.
        speed: How many times faster than in the file everything is taken to happen: of slow motion, the rate
            of capture over that of the file.  All times here are those of the clock, not of the file.
        capture_rate: Pictures a second that were captured, as the file says; None where it does not.
        created: When the recording began, as the file says, in ISO 8601; None where it does not.
        sounds: Its sound streams.
        whole_s: What its header claims of the whole file; None where it claims nothing.
        apart: Whether its sound is that of another program than its pictures.
        timeless: Whether its pictures have no times.
        decoders: Names of the decoders of its picture streams, and of its sound streams.
    """

    path: Path
    duration_s: float | None
    video: VideoStream | None
    audio: AudioStream | None
    stretch: Stretch = WHOLE
    indexed: bool = False
    undecoded: tuple[str, ...] = ()
    tracks: tuple[int, int] = (1, 1)
    missing_bytes: int = 0
    speed: float = 1.0
    capture_rate: float | None = None
    created: str | None = None
    sounds: tuple[SoundTrack, ...] = ()
    whole_s: float | None = None
    apart: bool = False
    timeless: bool = False
    decoders: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())

    @property
    def seek_s(self) -> float | None:
        """Time in the file from which a stretch is decoded; None where decoding starts with the file."""
        if not self.indexed or self.stretch.start_s <= _RUN_UP_S:
            return None
        return (self.start_s - _RUN_UP_S) * self.speed

    @property
    def start_s(self) -> float:
        """Time of tick 0: where the stretch starts after the first picture or sound."""
        starts = [stream.start_s for stream in (self.video, self.audio) if stream]
        return min(starts) + self.stretch.start_s
