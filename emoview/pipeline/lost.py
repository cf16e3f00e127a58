"""What a user should know of the streams of a file: what was lost of them, or could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from emoview.common.text import counted, name_of
from emoview.errors import DecodeError
from emoview.media.facts import WHOLE, Media
from emoview.media.process import DecodeLog
from emoview.timeline.clock import LONGEST_S, SAMPLE_RATE, TICK_HZ, time_of

# Streams rarely end together, and headers round.
_NEAR_S: Final = 1.0
# So many places are named.
_NAMED: Final = 3


def check_end(media: Media, kind: str, log: DecodeLog, ticks: int) -> None:
    """Refuse what a decoder left unfinished: a result of a part would pass for one of the whole.

    Raises:
        DecodeError: The decoder was ended, or gave up before the end.
    """
    if log.failure is None:
        return
    reached_s, claimed_s = time_of(ticks), media.duration_s
    if not log.killed and claimed_s is not None and reached_s >= claimed_s - _NEAR_S:
        return
    whole = "" if media.whole_s is None else f" of {media.whole_s:.1f} s"
    other = "--modality voice" if kind == "pictures" else "--modality face"
    cure = (
        "run it again; if it happens again, export the file as mp4"
        if log.killed
        else f"export the file again as mp4, or leave its {kind} out with {other}"
    )
    raise DecodeError(
        f"decoding the {kind} of {name_of(media.path)} stopped at "
        f"{media.stretch.start_s + reached_s:.1f} s{whole} "
        f"({log.failure}): {cure}"
    )


def _beside(media: Media, log: DecodeLog, ticks: int) -> bool:
    """Tell whether a stream has nothing in the stretch, before or behind which it was read."""
    # Where a decoder jumps behind the end, it sees nothing, and has nothing to complain of.
    silent = media.stretch.start_s > 0 and not log.complaints
    return not ticks and log.cut_s is None and (log.seen or silent)


def of_stream(media: Media, kind: str, log: DecodeLog, ticks: int) -> Iterator[str]:
    """Tell what was wrong with the pictures or the sound.

    Args:
        media: The file.
        kind: `pictures` or `sound`.
        log: Of its decoder.
        ticks: Ticks that it reaches to.
    """
    if _beside(media, log, ticks):
        verb = "are" if kind == "pictures" else "is"
        yield f"there {verb} no {kind} in this stretch: the rest alone was analysed"
        return
    if not ticks and log.cut_s is None:
        said = f" ({log.lines[0]})" if log.lines else ""
        yield f"the {kind} could not be decoded{said}: the rest alone was analysed"
    elif ticks and log.complaints:
        problems = f"{counted(log.complaints, 'problem')} {'was' if log.complaints == 1 else 'were'} skipped"
        yield f"damaged {kind}: {problems}, the first: {log.lines[0]}"
    if ticks and log.headless and media.video is not None:
        yield from _of_headless(media.video.start_s - media.start_s, media)
    if log.gaps:
        first, last = log.gaps[0]
        places = f"from {first:.1f} to {last:.1f} s"
        if log.gaps_s > last - first:
            places = f"in several places, {log.gaps_s:.1f} s in all, first {places}"
        consequence = "the face cells are empty there" if kind == "pictures" else "silence was put there"
        yield f"no {kind} {places}: {consequence}"
    if log.back_s > _NEAR_S:
        yield (
            f"time stamps of the {kind} jump back: about {log.back_s:.1f} s were left out, because they lie "
            "before what was already read; join such recordings again to analyse all of them"
        )
    yield from _of_shapes(log, ticks)
    if log.bad_samples:
        bad_s = max(0.01, log.bad_samples / SAMPLE_RATE)
        yield (
            f"{bad_s:.2f} s of the sound are not numbers (NaN or infinite), or absurdly large: they were "
            "taken as silence"
        )
    if log.cut_s is not None:
        verb, begin = ("go", "begin") if kind == "pictures" else ("goes", "begins")
        where = f"{verb} on" if ticks else begin
        yield (
            f"the {kind} {where} after {LONGEST_S // 3600} hours, where the analysis stops: analyse long "
            "recordings in stretches"
        )


def _of_headless(first_s: float, media: Media) -> Iterator[str]:
    """Tell of pictures before a key picture; `first_s` is where the first is that can be decoded."""
    if first_s > 1 / TICK_HZ:
        yield f"the recording begins between key pictures: its pictures before {first_s:.1f} s were skipped"
    elif not media.stretch.start_s:
        yield "pictures before a key picture were skipped, as where a recording begins in its midst"


def _of_shapes(log: DecodeLog, ticks: int) -> Iterator[str]:
    within = [time_s for time_s in log.reshaped_s if time_s < time_of(ticks)]
    if within:
        places = ", ".join(f"{max(0.0, time_s):.1f}" for time_s in within[:_NAMED])
        more = ", and more often" if len(within) > _NAMED else ""
        yield (
            f"the pixels change their shape at {places} s{more}: all pictures were given that of the "
            "beginning, so that faces behind are too wide or too narrow; copy the file into MPEG-TS "
            "(ffmpeg -i clip.mkv -c copy clip.ts), and analyse that"
        )


def nothing_decoded(media: Media, logs: dict[str, DecodeLog]) -> DecodeError:
    """Say why there is nothing to analyse: the file is damaged, or the stretch lies beside its streams.

    Args:
        media: The file.
        logs: Of `pictures` and `sound`, those that were decoded.
    """
    name, begin, end = name_of(media.path), media.stretch.start_s, media.stretch.end_s
    if media.stretch != WHOLE and logs and all(_beside(media, log, 0) for log in logs.values()):
        where = f"after {begin:g} s" if end is None else f"from {begin:g} to {end:g} s"
        return DecodeError(f"{name} has no {' and no '.join(logs)} {where}: choose another stretch")
    if any(log.cut_s is not None for log in logs.values()):
        what = " and no ".join(logs)
        return DecodeError(
            f"{name} has no {what} in its first {LONGEST_S // 3600} hours: analyse a stretch behind them"
        )
    return DecodeError(
        f"nothing could be decoded from {name}: it may be truncated or damaged; try to play it, or export "
        "it again as mp4"
    )


def of_length(media: Media, ticks: dict[str, int], *, cut_off: bool = False) -> Iterator[str]:
    """Tell where a stream ends early: before the other, or before what the file claims.

    Args:
        media: The file.
        ticks: Ticks that `pictures` and `sound` reach to, of those that were decoded.
        cut_off: Whether a decoder found that the file ends too early.
    """
    longest = max(ticks.values(), default=0)
    if 0 < longest < 5:
        yield "less than 0.2 s was analysed: the labels are unreliable"
    # How far a decoder had read when the stretch was over is left to chance.
    if cut_off and not media.missing_bytes and media.stretch.end_s is None:
        yield "the file is cut off: its end is missing"
    for kind, count in ticks.items():
        if 0 < count < longest - _NEAR_S * TICK_HZ:
            verb = "end" if kind == "pictures" else "ends"
            early_s = time_of(longest - count)
            yield f"the {kind} {verb} at {time_of(count):.1f} s, {early_s:.1f} s before the rest"
    wanted = media.stretch.end_s
    reached_s = media.stretch.start_s + time_of(longest)
    if wanted is not None and longest and reached_s < wanted - _NEAR_S:
        yield f"the stretch was to end at {wanted:g} s, but the file ends at {reached_s:.1f} s"
    claimed, whole_s = media.duration_s, media.whole_s
    # What was not decoded may be longer.
    every = len(ticks) == (media.video is not None) + (media.audio is not None)
    if claimed is not None and whole_s is not None and every and longest < (claimed - _NEAR_S) * TICK_HZ:
        yield f"the file claims {whole_s:.1f} s, but could be decoded up to {reached_s:.1f} s only"
