"""What a user should know of a result: what was lost, guessed, or could not be known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.facts import HDR
from emoview.media.probe import Media
from emoview.media.tool import maps_tones
from emoview.timeline.clock import SAMPLE_RATE, time_of
from emoview.timeline.labels import CONTEMPT
from emoview.timeline.options import MOST_FACES, Options
from emoview.timeline.results import OwnBaseline
from emoview.timeline.sums import above_rest_db

if TYPE_CHECKING:
    from emoview.pipeline.choice import Choice
    from emoview.pipeline.evidence import Faces, Voice
    from emoview.pipeline.measures import FaceMeasures
    from emoview.pipeline.models import Models
    from emoview.pipeline.who import Doubt

_QUIET_DB = -50.0
# Below, there is nothing but the noise of converters.
_SILENT_DB = -80.0
# Of 48 conversations of two to four people, 40 s each, seven were taken for one voice.
_ROOM_FOR_TWO_S = 20.0
# Of speech above what is heard beside it.
_NOISY_DB = 15.0
# Samples a second.
_TELEPHONE_RATE = 8000
# Rates of capture are nominal: 30 may be stored as 24.
_SLOWED = 1.4
# Shares of the picture's width: beside a face of the first, some are missed that are below the second.
_LARGE, _HARDLY_FOUND = 0.1, 0.03
# Of a share of poor pictures that is smaller, nothing is said.
_MOST_POOR = 0.1


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
    rate = media.video.rate if media.video else None
    if media.capture_rate and rate and options.capture_rate is None and media.capture_rate / rate > _SLOWED:
        yield (
            f"slow motion: captured at {media.capture_rate:g} pictures a second, stored at {rate:g}, so all "
            f"times are {media.capture_rate / rate:.1f} times too long: --capture-rate "
            f"{media.capture_rate:g} gives the real ones"
        )
    if options.clock and media.created is None:
        yield "the file does not say when it was recorded: the column clock is empty"
    if media.video is not None and media.video.hdr and options.modality != "voice" and not maps_tones():
        yield (
            f"the pictures have high dynamic range ({HDR[media.video.hdr]}), which this ffmpeg cannot map to "
            "usual colours: they look flat, and labels of the face may be wrong; use an ffmpeg with zscale"
        )
    if media.tracks[0] > 1 and media.video is not None and options.modality != "voice":
        count, stream = media.tracks[0], media.video
        yield f"the file has {count} picture tracks; only one was analysed, stream {stream.index}"
    chosen = options.audio_track is not None or options.modality == "face"
    if media.apart and not chosen and options.modality == "both":
        yield (
            "the sound is of another program of the file than the pictures: analyse one of them with "
            "--modality face or --modality voice"
        )
    if len(media.sounds) > 1 and media.audio is not None and not chosen:
        own, others = _tracks(media)
        yield (
            f"the file has {len(media.sounds)} sound tracks; track {own} was analysed: "
            f"--audio-track takes {others}"
        )


def _tracks(media: Media) -> tuple[str, str]:
    """Name the sound track that is analysed, and the others."""
    index = None if media.audio is None else media.audio.index
    own = next(str(track) for track in media.sounds if track.index == index)
    others = [str(track) for track in media.sounds if track.index != index]
    return own, f"{', '.join(others[:-1])} or {others[-1]}" if len(others) > 1 else others[0]


def of_faces(faces: Faces, media: Media, options: Options) -> Iterator[str]:
    """Tell what was special about finding the faces."""
    widths = [float(np.median(track.boxes[:, 2])) for track in faces.tracks.values()]
    if media.video is not None and widths:
        share = min(widths) / media.video.width
        if share < _HARDLY_FOUND and max(widths) >= _LARGE * media.video.width:
            yield (
                f"the smallest face beside a large one is {min(widths):.0f} pixels wide, "
                f"{share:.1%} of the picture: others that are as small may have been missed"
            )
    if not faces.tracks:
        yield "no face was found: faces must be at least a twentieth of the frame wide"
    yield from of_finding(faces.most, faces.widened, options)


def of_finding(most: int, widened: float, options: Options) -> Iterator[str]:
    """Tell whether there may be more faces, and whether their shape was changed.

    Args:
        most: Most faces that were found in one picture.
        widened: How much wider the pictures of most faces were made.
        options: How the file was analysed.
    """
    asked = options.max_faces
    if 1 < asked <= most:
        more = min(2 * asked + 1, MOST_FACES)
        cure = f": --max-faces {more} looks for more" if more > asked else ""
        yield f"{asked} faces, as many as were looked for{cure}"
    if widened != 1 and options.aspect == "auto":
        yield (
            "the video seems to be squeezed from 16:9 to 4:3: faces were widened by 4/3; "
            "--aspect keep leaves them as they are"
        )


def of_quality(measured: Mapping[int, FaceMeasures], options: Options) -> Iterator[str]:
    """Tell which faces cannot be read, why, and where they are covered."""
    from emoview.face.usable import COVERED
    from emoview.pipeline.measures import stretches, unusable

    for person, faces in measured.items():
        poor = unusable(faces)
        count = sum(map(len, poor.values()))
        whose = "the face" if len(measured) == 1 else f"face {person}"
        if count > _MOST_POOR * len(faces.ticks):
            why = ", ".join(f"{len(ticks) / len(faces.ticks):.0%} {reason}" for reason, ticks in poor.items())
            cure = "" if options.min_quality is not None else ": --min-quality 0.8 leaves them out"
            yield f"{count / len(faces.ticks):.0%} of the ticks of {whose} are not usable ({why}){cure}"
        covered = stretches(poor.get(COVERED, []))
        if covered:
            first, last = covered[0]
            more = f", and {len(covered) - 1} times more" if len(covered) > 1 else ""
            yield (
                f"something covers the lower half of {whose} from {time_of(first):.1f} to "
                f"{time_of(last):.1f} s{more}: what is said of it there is unreliable"
            )


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
            "relative to what it shows over the whole recording; --no-self-baseline leaves them absolute"
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
    silent = voice.level_db is None or voice.level_db < _SILENT_DB
    if not voice.speech.any():
        what = "no speech was found" if silent else "no speech was found, only music or noise"
        yield f"{what}: the voice columns are empty"
    if silent and len(media.sounds) > 1:
        own, others = _tracks(media)
        yield f"sound track {own} is silent: --audio-track takes {others}"
    elif voice.level_db is not None and voice.level_db < _QUIET_DB:
        yield f"the sound is almost silent ({voice.level_db} dBFS)"
    if voice.quality.is_clipped:
        yield "the sound is clipped: record at a lower level, because cut-off waves change the voice's labels"
    above = above_rest_db(voice.tick_level_db.tolist(), voice.speech.tolist(), voice.speech.tolist())
    if above is not None and above < _NOISY_DB:
        yield (
            f"the speech is only {max(0.0, above):.0f} dB louder than the rest of the sound, such as music "
            "or noise: the voice's labels are less reliable"
        )
    rate = None if media.audio is None else media.audio.rate
    if voice.speech.any() and rate is not None and rate <= _TELEPHONE_RATE:
        yield f"the sound has {rate / 1000:g} kHz, as on a telephone: the voice's labels are less reliable"
    elif voice.quality.is_narrow and rate is not None and rate < SAMPLE_RATE:
        yield (
            f"the sound has {rate / 1000:g} kHz, less than the {SAMPLE_RATE // 1000} that are needed: "
            "the voice's labels are less reliable"
        )
    elif voice.quality.is_narrow:
        yield (
            "the sound holds hardly anything above 4 kHz, as on a telephone: "
            "the voice's labels are less reliable"
        )


def of_choice(asked: str, choice: Choice, *, speech: bool, speaks: bool, sure: bool) -> list[str]:
    """Tell which face was measured, and which got the voice, where that was a choice.

    Args:
        asked: Which face was asked for.
        choice: What was chosen.
        speech: Whether somebody speaks.
        speaks: Whether the voice joins the face that was taken.
        sure: Whether its lips move then.
    """
    return [*_of_still(asked, choice), *_of_main(asked, choice, speech=speech, speaks=speaks, sure=sure)]


def _of_still(asked: str, choice: Choice) -> Iterator[str]:
    """Tell which faces do not move at all."""
    count = len(set(choice.persons.values()))
    if not choice.still:
        return
    if len(choice.still) == count:
        which = "the face does" if count == 1 else "the faces do"
        yield f"{which} not move at all, as on a photograph: what is said of it is about one picture"
        return
    names = ", ".join(map(str, sorted(choice.still)))
    which = f"face {names} does" if len(choice.still) == 1 else f"faces {names} do"
    passed = "" if asked == "all" or asked.isdecimal() else ", and is passed over"
    if passed and len(choice.still) > 1:
        passed = ", and are passed over"
    yield f"{which} not move at all, as on a photograph{passed}"


def _of_main(asked: str, choice: Choice, *, speech: bool, speaks: bool, sure: bool) -> list[str]:
    count, main, turns = len(set(choice.persons.values())), choice.main, choice.turns
    if count > 1 and asked == "largest":
        return [
            f"{count} faces were found; the largest, face {main}, was analysed: "
            "use --face speaking, --face all or --face ID for others"
        ]
    if asked not in ("speaking", "all") or not count or (count == 1 and asked == "all"):
        return []
    if turns is not None:
        speakers = len({choice.persons[int(i)] for i in np.unique(turns.speaking[turns.speaking >= 0])})
        whose = f"face {main}" if speakers == 1 else f"{speakers} faces in turn"
        times = "1 turn" if turns.count == 1 else f"{turns.count} turns"
        return [
            f"the voice was assigned to {whose} of {count}, whose lips move, in {times}: they cover "
            f"{turns.covered:.0%} of the speech"
        ]
    if not speech:
        return [f"nobody speaks: the overall result is that of the largest face, {main}"]
    if not speaks:
        return [f"none of the faces speaks: the overall result is that of face {main}"]
    if not sure:
        return [f"no lips clearly move with the voice: it was assigned to face {main}"]
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
    share = f"{100 * (1 - own / speech):.0f} %" if own else "all"
    return [
        f"{share} of the speech was assigned to {' and '.join(others)}, not to face {main}: it does not "
        "count for the face; --voice all counts it"
    ]
