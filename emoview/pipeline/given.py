"""What a user should know of the look, the speed and the sound tracks of a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from emoview.media.facts import HDR, VideoStream
from emoview.media.probe import FASTEST, Media
from emoview.media.tool import maps_tones
from emoview.timeline.options import Options

SILENT_DB: Final = -80.0
"""Below, there is nothing but the noise of converters."""
# Rates of capture are nominal: 30 may be stored as 24.
_SLOWED: Final = 1.4
# Pictures a second: up to these, cameras fall behind where it is too dark.
_USUAL_HZ: Final = 60


def of_look(video: VideoStream) -> Iterator[str]:
    """Tell of pictures that are not as they were meant."""
    if video.odd_aspect:
        yield "the file claims pixels of a shape that none have: they were taken to be square (--aspect)"
    if video.hdr and (video.odd_colours or not maps_tones()):
        cause, cure = (
            ("which with such colours is not mapped", "")
            if maps_tones()
            else ("which this ffmpeg cannot map", "; use an ffmpeg with zscale")
        )
        yield (
            f"the pictures have high dynamic range ({HDR[video.hdr]}), {cause} to usual colours: they look "
            f"flat, and labels of the face may be wrong{cure}"
        )


def of_speed(captured: float | None, stored: float, *, timeless: bool) -> Iterator[str]:
    """Tell of slow motion and of time lapse, or, in the dark, of a camera that stores less than it claims.

    Args:
        captured: Pictures a second, as the file says; None where it does not.
        stored: Likewise as they are stored.
        timeless: Whether they have no times.
    """
    if timeless:
        yield (
            f"the pictures have no time stamps, and were taken to come {stored:g} times a second: if that is "
            "wrong, --capture-rate says how many there are"
        )
    slower = 1.0 if captured is None else captured / stored
    if 1 / _SLOWED <= slower <= _SLOWED:
        return
    kind, off = ("slow motion", f"{slower:.1f}") if slower > 1 else ("time lapse", f"{1 / slower:.1f}")
    assert captured is not None
    sure = slower < 1 or captured > _USUAL_HZ
    cure = f"--capture-rate {captured:g} gives the real ones" if 1 / FASTEST <= slower <= FASTEST else ""
    yield (
        f"{kind}{'' if sure else ', or a camera in the dark'}: captured at {captured:g} pictures a second, "
        f"stored at {stored:g}, so {'' if sure else 'in slow motion '}all times are {off} times too "
        f"{'long' if slower > 1 else 'short'}{cure and ': '}{cure}"
    )


def of_tracks(media: Media, options: Options, level_db: float | None, *, heard: bool) -> Iterator[str]:
    """Tell which of several sound tracks was analysed, and which there are besides.

    Args:
        media: The file.
        options: How it was analysed.
        level_db: Mean level of the sound; None for digital silence.
        heard: Whether there was sound in the stretch.
    """
    if len(media.sounds) < 2 or media.audio is None or options.modality == "face":
        return
    own = next(track for track in media.sounds if track.index == media.audio.index)
    others = [str(track) for track in media.sounds if track.decodes and track is not own]
    cure = f": --audio-track takes {_listed(others, 'or')}" if others else ""
    silent = heard and options.channel == "mix" and (level_db is None or level_db < SILENT_DB)
    if silent:
        yield f"sound track {own} is silent{cure}"
    elif options.audio_track is None:
        yield f"the file has {len(media.sounds)} sound tracks; track {own} was analysed{cure}"
    broken = [str(track) for track in media.sounds if not track.decodes]
    if broken and options.audio_track is None:
        yield f"sound {'track' if len(broken) == 1 else 'tracks'} {_listed(broken, 'and')} cannot be decoded"


def _listed(names: Sequence[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
