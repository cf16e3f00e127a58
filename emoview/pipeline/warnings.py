"""What a user should know of a result: what was lost, guessed, or could not be known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from emoview.common.text import counted, name_of, percent
from emoview.errors import InputError
from emoview.media.probe import Media
from emoview.pipeline.given import SILENT_DB, of_look, of_speed
from emoview.timeline.clock import SAMPLE_RATE, TICK_HZ, time_of
from emoview.timeline.labels import CONTEMPT
from emoview.timeline.options import MOST_FACES, Options
from emoview.timeline.results import OwnBaseline
from emoview.timeline.sums import above_rest_db
from emoview.voice.quality import USUAL, Quality

if TYPE_CHECKING:
    from emoview.pipeline.choice import Choice
    from emoview.pipeline.evidence import Faces, Voice
    from emoview.pipeline.measures import FaceMeasures
    from emoview.pipeline.models import Models
    from emoview.pipeline.who import Doubt

_QUIET_DB = -50.0
# Of 48 conversations of two to four people, 40 s each, seven were taken for one voice.
_ROOM_FOR_TWO_S = 20.0
# Of speech above what is heard beside it.
_NOISY_DB = 15.0
# Samples a second.
_TELEPHONE_RATE = 8000
# Shares of the picture's longer side: beside a face of the first, some are missed that are below the second.
_LARGE, _HARDLY_FOUND = 0.1, 0.03
# Ticks between two covers, which are one then: a face behind a hand is lost now and then.
_SHORT_GAP = TICK_HZ
# Of a share of poor pictures that is smaller, nothing is said.
_MOST_POOR = 0.1

NO_FACE: Final = "no face was found: faces are found down to about a fiftieth of the picture's longer side"


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
        missing = media.missing_bytes
        what = "byte is" if missing == 1 else f"{missing:,} bytes are"
        yield f"the file is cut off: its last {what} missing"
    rate = media.video.rate if media.video else None
    if options.capture_rate is None and rate:
        yield from of_speed(media.capture_rate, rate, timeless=media.timeless)
    if options.clock and media.created is None:
        yield "the file does not say when it was recorded: the column clock is empty"
    if media.video is not None and options.modality != "voice":
        yield from of_look(media.video)
    if media.tracks[0] > 1 and media.video is not None and options.modality != "voice":
        count, stream = media.tracks[0], media.video
        yield f"the file has {count} picture tracks; only one was analysed, stream {stream.index}"
    chosen = options.audio_track is not None or options.modality == "face"
    if media.apart and not chosen and options.modality == "both":
        yield (
            "the sound is of another program of the file than the pictures: analyse one of them with "
            "--modality face or --modality voice"
        )


def of_faces(faces: Faces, media: Media, options: Options) -> Iterator[str]:
    """Tell what was special about finding the faces."""
    side = max(media.video.width, media.video.height) if media.video is not None else 1
    shares = {i: float(np.median(track.boxes[:, 2])) / side for i, track in faces.tracks.items()}
    large = {t for i, share in shares.items() if share >= _LARGE for t in faces.tracks[i].ticks.tolist()}
    # Elsewhere small ones are looked for all the time.
    beside = [share for i, share in shares.items() if not large.isdisjoint(faces.tracks[i].ticks.tolist())]
    least = min(beside, default=1.0)
    if least < _HARDLY_FOUND:
        yield (
            f"the smallest face beside a large one is {least * side:.0f} pixels wide, {least:.1%} of the "
            "picture's longer side: others that are as small may have been missed"
        )
    if not faces.tracks:
        yield NO_FACE
    yield from of_finding(faces.most, faces.altered, options)


def of_finding(most: int, altered: float, options: Options) -> Iterator[str]:
    """Tell whether there may be more faces, and whether their shape was changed.

    Args:
        most: Most faces that were found in one picture.
        altered: Share of the faces whose pictures were made wider.
        options: How the file was analysed.
    """
    asked = options.max_faces
    if 1 < asked <= most:
        more = min(2 * asked + 1, MOST_FACES)
        cure = f": --max-faces {more} looks for more" if more > asked else ""
        yield f"{asked} faces, as many as were looked for{cure}"
    if altered and options.aspect == "auto":
        which = ": faces" if altered == 1 else f", in part: {percent(altered)} of the faces"
        yield (
            f"the video seems to be squeezed from 16:9 to 4:3{which} were widened by 4/3; "
            "--aspect keep leaves them as they are"
        )


def of_quality(measured: Mapping[int, FaceMeasures], options: Options, choice: Choice) -> Iterator[str]:
    """Tell which faces cannot be read, why, and where they are covered."""
    from emoview.pipeline.measures import stretches

    for person, faces in measured.items():
        alone = len(set(choice.persons.values())) == 1
        whose = "the face" if alone else f"face {person}" if choice.turns is None else "the faces in turn"
        yield from _of_poor(faces, whose, options.min_quality)
        covered = stretches(faces.covered, within=_SHORT_GAP)
        if covered:
            first, last = covered[0]
            times = "once" if len(covered) == 2 else f"{len(covered) - 1} times"
            more = f", and {times} more" if len(covered) > 1 else ""
            yield (
                f"something covers the lower half of {whose} from {time_of(first):.1f} to "
                f"{time_of(last):.1f} s{more}: what is said of it there is unreliable"
            )


def _of_poor(faces: FaceMeasures, whose: str, least: float | None) -> Iterator[str]:
    """Tell how many ticks of a face are poor, and whether they were left out, by the least quality of it."""
    from emoview.face.usable import USABLE
    from emoview.pipeline.measures import unusable

    seen = len(faces.ticks)
    if least is not None and least > USABLE:
        out = float((faces.quality < least).mean())
        if out > _MOST_POOR:
            yield f"{percent(out)} of the ticks of {whose} have a quality below {least:g}, and were left out"
        return
    poor = unusable(faces)
    share = sum(map(len, poor.values())) / seen
    if share > _MOST_POOR:
        why = ", ".join(f"{percent(len(ticks) / seen)} {reason}" for reason, ticks in poor.items())
        them = "them" if least is None else "all of them"
        cure = ", and were left out" if least == USABLE else f": --min-quality {USABLE:g} leaves {them} out"
        yield f"{percent(share)} of the ticks of {whose} are not usable ({why}){cure}"


def of_stand_ins(networks: dict[str, str], options: Options, *, both: bool) -> Iterator[str]:
    """Tell that rules that were fitted to the shipped networks join others.

    Args:
        networks: Names of networks of runs that told labels, by `face` and `voice`.
        options: How the file was analysed.
        both: Whether there was a face and a voice.
    """
    if networks and both and options.modality == "both":
        names = " and ".join(f"{name} ({role})" for role, name in networks.items())
        yield (
            f"late fusion was fitted to the shipped networks, not to {names}: face and voice were joined "
            "by their calibrated logits, with equal weights"
        )


def of_own_baselines(own: Sequence[OwnBaseline]) -> Iterator[str]:
    """Tell of whom the recording itself was the baseline."""
    for one in own:
        yield (
            f"face {one.person} is seen for {one.seconds:.0f} s and shows different things: its labels are "
            "relative to what it shows in all that was analysed; --no-self-baseline leaves them absolute"
        )


def of_baseline(choice: Choice, options: Options) -> Iterator[str]:
    """Tell where the baseline of one person was taken away from several."""
    if options.baseline is None or choice.turns is None:
        return
    shown = choice.turns.shown
    count = len({choice.persons[int(i)] for i in np.unique(shown[shown >= 0])})
    if count > 1:
        yield (
            f"the baseline is of one person, and {count} faces were analysed in turn: labels of "
            "the others may be wrong; choose a face with --face ID"
        )


def of_networks(models: Models) -> Iterator[str]:
    """Tell what the networks say that the timeline cannot hold."""
    face = models.stand_ins.get("face")
    if face is not None and CONTEMPT in face.network.labels:
        yield (
            f"{face.name} tells contempt, too, for which a timeline has no place: the probabilities of the "
            "seven labels are those of a face that shows none"
        )


def of_voice(media: Media, voice: Voice) -> Iterator[str]:
    """Tell why nothing was heard, and what harms what was."""
    yield from voice.notes
    silent = voice.level_db is None or voice.level_db < SILENT_DB
    if not voice.speech.any():
        what = "" if silent else ", only other sounds, such as music or noise"
        yield f"no speech was found{what}: the voice columns are empty"
    # As in the sums of the result: what dies away behind the words is none of the rest.
    heard = voice.heard.tolist()
    above = above_rest_db(voice.tick_level_db.tolist(), heard, heard)
    yield from of_sound(media, voice.level_db, voice.quality, above, speech=bool(voice.speech.any()))


def of_sound(
    media: Media,
    level_db: float | None,
    quality: Quality = USUAL,
    above: float | None = None,
    *,
    speech: bool,
) -> Iterator[str]:
    """Tell what harms the voice in a sound.

    Args:
        media: The file.
        level_db: Mean level of the sound; None for digital silence.
        quality: How good it is where somebody speaks, as far as that is known.
        above: By how much speech is louder than the rest, where that is known.
        speech: Whether somebody speaks.
    """
    # Of several tracks, a silent one is told with the others.
    least = SILENT_DB if len(media.sounds) > 1 else -np.inf
    if level_db is not None and least <= level_db < _QUIET_DB:
        yield f"the sound is almost silent ({level_db} dBFS)"
    if quality.is_clipped:
        yield "the sound is clipped: record at a lower level, because cut-off waves change the voice's labels"
    if above is not None and above < _NOISY_DB:
        louder = f"only {above:.0f} dB louder" if above >= 1 else "no louder"
        yield (
            f"the speech is {louder} than the rest of the sound, such as music or noise: the voice's labels "
            "are less reliable"
        )
    rate = None if media.audio is None else media.audio.rate
    if speech and rate is not None and rate <= _TELEPHONE_RATE:
        yield f"the sound has {rate / 1000:g} kHz, as on a telephone: the voice's labels are less reliable"
    elif quality.is_narrow and rate is not None and rate < SAMPLE_RATE:
        yield (
            f"the sound has {rate / 1000:g} kHz, less than the {SAMPLE_RATE // 1000} that are needed: "
            "the voice's labels are less reliable"
        )
    elif quality.is_narrow:
        yield (
            "the sound holds hardly anything above 4 kHz, as on a telephone: "
            "the voice's labels are less reliable"
        )


def of_choice(
    asked: str, choice: Choice, *, speech: bool | None, speaks: bool, sure: bool, voice: str = "face"
) -> list[str]:
    """Tell which face was measured, and which got the voice, where that was a choice.

    Args:
        asked: Which face was asked for.
        choice: What was chosen.
        speech: Whether somebody speaks; None where nobody listened.
        speaks: Whether the voice joins the face that was taken.
        sure: Whether its lips move then.
        voice: Whose voice was asked for, as in `Options`.
    """
    main = _of_main(asked, choice, speech=speech, speaks=speaks, sure=sure, voice=voice)
    return [*_of_still(asked, choice), *main]


def _of_still(asked: str, choice: Choice) -> Iterator[str]:
    """Tell which faces do not move at all."""
    count = len(set(choice.persons.values()))
    if not choice.still:
        return
    if len(choice.still) == count:
        which = "the face does" if count == 1 else f"all {count} faces do"
        about = "it is about one picture" if count == 1 else "them is about pictures"
        yield f"{which} not move at all, as on a photograph: what is said of {about}"
        return
    names = ", ".join(map(str, sorted(choice.still)))
    which = f"face {names} does" if len(choice.still) == 1 else f"faces {names} do"
    passed = "" if asked == "all" or asked.isdecimal() else ", and is passed over"
    if passed and len(choice.still) > 1:
        passed = ", and are passed over"
    yield f"{which} not move at all, as on a photograph{passed}"


def _of_main(
    asked: str, choice: Choice, *, speech: bool | None, speaks: bool, sure: bool, voice: str
) -> list[str]:
    count, main, turns = len(set(choice.persons.values())), choice.main, choice.turns
    if count > 1 and asked == "largest":
        largest = "largest that moves" if choice.still and main not in choice.still else "largest"
        return [
            f"{count} faces were found; the {largest}, face {main}, was analysed: "
            "use --face speaking, --face all or --face ID for others"
        ]
    if asked not in ("speaking", "all") or not count or (count == 1 and asked == "all"):
        return []
    if turns is not None:
        speakers = len({choice.persons[int(i)] for i in np.unique(turns.speaking[turns.speaking >= 0])})
        whose = f"face {main}" if speakers == 1 else f"{speakers} faces in turn"
        said = f"voice {voice}" if voice.isdecimal() else "the speech"
        return [
            f"the voice was assigned to {whose} of {count}, whose lips move, in "
            f"{counted(turns.count, 'turn')}: {'it covers' if turns.count == 1 else 'they cover'} "
            f"{percent(turns.covered)} of {said}"
        ]
    if not speech:
        why = "no sound was analysed" if speech is None else "nobody speaks"
        which = f"the largest face, {main}" if count > 1 else f"the only face, {main}"
        return [f"{why}: the overall result is that of {which}"]
    if not speaks:
        return [f"none of the faces speaks: the overall result is that of face {main}"]
    if not sure:
        said = f"voice {voice}" if voice.isdecimal() else "the voice"
        return [f"no lips clearly move with {said}: it was assigned to face {main}"]
    if count == 1:
        return []
    return [f"the overall result is that of face {main} of {count}, which speaks most"]


def of_doubts(doubts: Iterable[Doubt]) -> list[str]:
    """Tell where two may speak at once, or where a voice may be of two people."""
    said = []
    for one in doubts:
        if one.face is None:
            whose, end = "nobody in the picture", ": two voices may have been taken for one"
        else:
            whose, end = f"face {one.face}", ", too: both may speak, perhaps at once"
        said.append(
            f"during {one.both_s:.1f} of the {one.of_s:.1f} s of voice {one.voice}, which was assigned to "
            f"{whose}, the lips of face {one.other} move as in speech{end}"
        )
    return said


def of_voices(voices: int, faces: int, speech: int) -> list[str]:
    """Tell where nothing but their sound tells voices apart, of so many ticks with speech."""
    if not voices or faces:
        return []
    if voices > 1:
        return [f"{voices} voices were told apart by sound alone: their number and turns may be wrong"]
    if time_of(speech) < _ROOM_FOR_TWO_S:
        return []
    return ["one voice was told by sound alone: similar voices may have been taken for one"]


def of_others(main: int, own: int, speech: int, others: list[str]) -> list[str]:
    """Tell where most of the speech was not taken for that of the measured face.

    Args:
        main: The face.
        own: Ticks in which it speaks.
        speech: Ticks in which somebody speaks.
        others: The other voices, in words.
    """
    if not speech or 2 * own >= speech:
        return []
    share = percent(1 - own / speech) if own else "all"
    return [
        f"{share} of the speech was assigned to {' and '.join(others)}, not to face {main}: it does not "
        "count for the face; --voice all counts it"
    ]
