"""What a user should know of a result: what was lost, guessed, or could not be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emoview.common.text import name_of
from emoview.errors import DecodeError, InputError
from emoview.media.probe import Media
from emoview.media.process import DecodeLog
from emoview.timeline.clock import LONGEST_S, SAMPLE_RATE, TICK_HZ, time_of
from emoview.timeline.options import Options

if TYPE_CHECKING:
    from emoview.pipeline.evidence import Faces, Voice
    from emoview.pipeline.speaker import Speaker

_QUIET_DB = -50.0
# Streams rarely end together, and headers round.
_NEAR_S = 1.0


def of_modality(media: Media, options: Options) -> list[str]:
    """Tell which modality the file lacks.

    Raises:
        InputError: It is the one that was asked for.
    """
    warnings = []
    for kind, stream, asked, other in (
        ("pictures", media.video, "face", "voice"), ("sound", media.audio, "voice", "face"),
    ):  # fmt: skip
        if stream is not None:
            continue
        broken = next((what for what in media.undecoded if what.startswith(kind)), None)
        if options.modality == asked:
            what = f"no {kind}" if broken is None else f"{broken} that cannot be decoded"
            whose = "its sound" if asked == "face" else "its pictures"
            raise InputError(f"{name_of(media.path)} has {what}: analyse {whose} with --modality {other}")
        if options.modality == "both":
            what = f"no {kind}" if broken is None else f"the {broken} cannot be decoded"
            warnings.append(f"{what}: only the {other} was analysed")
    return [*warnings, *_of_file(media, options)]


def _of_file(media: Media, options: Options) -> Iterator[str]:
    """Tell what of the file is missing, or was passed over."""
    if media.missing_bytes:
        yield f"the file is cut off: its last {media.missing_bytes:,} bytes are missing"
    for kind, count, stream, other in (
        ("picture", media.tracks[0], media.video, "voice"), ("sound", media.tracks[1], media.audio, "face"),
    ):  # fmt: skip
        if count > 1 and stream is not None and options.modality != other:
            yield f"the file has {count} {kind} tracks; only one was analysed, stream {stream.index}"


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
    whole = "" if claimed_s is None else f" of {claimed_s:.1f} s"
    other = "--modality voice" if kind == "pictures" else "--modality face"
    cure = (
        "run it again; if it happens again, export the file as mp4"
        if log.killed
        else f"export the file again as mp4, or leave its {kind} out with {other}"
    )
    raise DecodeError(
        f"decoding the {kind} of {name_of(media.path)} stopped at {reached_s:.1f} s{whole} "
        f"({log.failure}): {cure}"
    )


def of_stream(kind: str, log: DecodeLog, ticks: int) -> Iterator[str]:
    """Tell what was wrong with the pictures or the sound.

    Args:
        kind: `pictures` or `sound`.
        log: Of its decoder.
        ticks: Ticks that it reaches to.
    """
    if not ticks and log.seen:
        # Beyond six hours, which is told below, or beside the stretch.
        if log.cut_s is None:
            verb = "are" if kind == "pictures" else "is"
            yield f"there {verb} no {kind} in this stretch: the rest alone was analysed"
    elif not ticks:
        said = f" ({log.lines[0]})" if log.lines else ""
        yield f"the {kind} could not be decoded{said}: the rest alone was analysed"
    elif log.complaints:
        yield f"damaged {kind}: {log.complaints} problems were skipped, the first: {log.lines[0]}"
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
    if log.bad_samples:
        yield (
            f"{log.bad_samples / SAMPLE_RATE:.2f} s of the sound are not numbers (NaN or infinite): "
            "they were taken as silence"
        )
    if log.cut_s is not None:
        verb, begin = ("go", "begin") if kind == "pictures" else ("goes", "begins")
        where = f"{verb} on" if ticks else begin
        yield (
            f"the {kind} {where} after {LONGEST_S // 3600} hours, where the analysis stops: analyse long "
            "recordings in stretches"
        )


def of_length(media: Media, options: Options, ticks: dict[str, int]) -> Iterator[str]:
    """Tell where a stream ends early: before the other, or before what the file claims.

    Args:
        media: The file.
        options: How it was analysed.
        ticks: Ticks that `pictures` and `sound` reach to, of those that were decoded.
    """
    longest = max(ticks.values(), default=0)
    if 0 < longest < 5:
        yield "the clip is shorter than 0.2 s: its labels are unreliable"
    for kind, count in ticks.items():
        if 0 < count < longest - _NEAR_S * TICK_HZ:
            verb = "end" if kind == "pictures" else "ends"
            early_s = time_of(longest - count)
            yield f"the {kind} {verb} at {time_of(count):.1f} s, {early_s:.1f} s before the rest"
    claimed = media.duration_s
    if claimed is not None and options.modality == "both" and longest < (claimed - _NEAR_S) * TICK_HZ:
        yield f"the file claims {claimed:.1f} s, but only {time_of(longest):.1f} s could be decoded"


def of_faces(faces: Faces) -> Iterator[str]:
    """Tell what was special about finding the faces."""
    if not faces.tracks:
        yield "no face was found: faces must be upright and at least a twentieth of the frame wide"
    if faces.squeezed:
        yield "the video seems to be squeezed from 16:9 to 4:3: faces were widened by 4/3"


def of_voice(voice: Voice) -> Iterator[str]:
    """Tell why nothing was heard."""
    if voice.speech.any():
        return
    yield "no speech was found: the voice columns are empty"
    if voice.level_db is not None and voice.level_db < _QUIET_DB:
        yield f"the sound is almost silent ({voice.level_db} dBFS)"


def of_choice(
    asked: str, count: int, main: int | None, speaker: Speaker | None, *, speech: bool, speaks: bool
) -> list[str]:
    """Tell which face was measured, and which got the voice, where that was a choice.

    Args:
        asked: Which face was asked for.
        count: How many were found.
        main: The one that was taken.
        speaker: The one whose lips move with the voice; None if it was not looked for, or not found.
        speech: Whether somebody speaks.
        speaks: Whether the voice joins the face that was taken.
    """
    if count > 1 and asked == "largest":
        return [
            f"{count} faces were found; the largest, face {main}, was analysed: "
            "use --face speaking, --face all or --face ID for others"
        ]
    if asked not in ("speaking", "all") or not count or (count == 1 and asked == "all"):
        return []
    if speaker is not None:
        return [
            f"the voice was assigned to face {main} of {count}, whose lips move with it "
            f"(correlation {speaker.correlation:.2f})"
        ]
    if not speech:
        return [f"nobody speaks: the overall result is that of the largest face, {main}"]
    if not speaks:
        return [f"no lips move with the voice: the overall result is that of the largest face, {main}"]
    return [f"no lips move with the voice: it was assigned to the largest face, {main}"]


def of_others(main: int, own: int, speech: int, others: list[str]) -> list[str]:
    """Tell where most of the speech is not of the measured face.

    Args:
        main: The face.
        own: Ticks in which it speaks.
        speech: Ticks in which somebody speaks.
        others: The other voices, in words.
    """
    if not speech or 2 * own >= speech:
        return []
    share = f"{100 * (1 - own / speech):.0f} %" if own else "all"
    return [
        f"{share} of the speech is not that of face {main} but of {' and '.join(others)}: it does not count "
        "for the face; --voice all counts it"
    ]
