"""Measure who speaks when on conversations of people whom the speaker network has not heard.

    python -m benchmarks.conversations DATA [-o DIR] [--each 4] [--first 0]

DATA holds `clips`, `speech` and `speech_more` (docs/training.md).  Conversations are built of clips of actors
and of recordings of held-out speakers: an interviewer behind the camera who speaks alone (`silent`) or in
turn with the person in the picture (`interview`), two people side by side (`two`), and sound alone: of 2 to 4
voices whose emotion changes with each sentence (`sound`) or stays (`steady`), and of a single voice (`one`).
Printed are the share of ticks with speech that are given to the right face, or to none,
and the diarisation error: missed, false and confused speech by the true speech, without a collar.  True
speech is what each recording holds by itself, by ITU-T P.56.  The error is that of turns, in which pauses of
one voice of up to half a second are speech, in the truth and in the result; `by the tick` they are not.
"""

from __future__ import annotations

import argparse
import json
import sys
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.clips import _ffmpeg
from emoview import analyze
from emoview.datasets.clips import read_clip_index
from emoview.errors import EmoviewError
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.timeline.results import Analysis
from emoview.timeline.turns import joined
from emoview.training.activity import spoken_in
from emoview.training.speaker_data import Side, read_utterances, sides
from emoview.training.speech import load_samples
from emoview.voice.activity import trim

NOBODY, OFF = -1, 9
KINDS = ("silent", "interview", "two", "sound", "steady", "one")
ALONE = KINDS[3:]
_SECONDS = 40
_SIDE = 320, 240
_LOUDNESS = 0.06


@dataclass
class Clip:
    """A clip of an actor: `(n, height, width, 3)` pictures, and `(640 n,)` sound."""

    pictures: NDArray[np.uint8]
    sound: NDArray[np.float32]

    @property
    def listening(self) -> NDArray[np.uint8]:
        """The picture amid the six in a row that differ least, where it is not dark."""
        light = self.pictures.mean(axis=(1, 2, 3))
        differs = np.abs(np.diff(self.pictures.astype(np.int16), axis=0)).mean(axis=(1, 2, 3))
        differs[light[1:] < np.median(light) / 2] = 255
        first = int(np.convolve(differs, np.ones(5), "valid").argmin())
        return np.asarray(self.pictures[first + 3])


@dataclass
class Conversation:
    """Sound, pictures by person, and who speaks in each tick: a person, `OFF`, or `NOBODY`."""

    sound: list[NDArray[np.float32]] = field(default_factory=list)
    pictures: list[list[NDArray[np.uint8]]] = field(default_factory=list)
    truth: list[int] = field(default_factory=list)


def main() -> None:
    """Build, analyse and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--each", type=int, default=4, help="Conversations of each kind.")
    parser.add_argument("--first", type=int, default=0, help="Number of the first one of each kind.")
    parser.add_argument("--only", default=",".join(KINDS))
    arguments = parser.parse_args()
    if not all((arguments.data / name / "index.csv").is_file() for name in ("clips", "speech")):
        sys.exit(f"{arguments.data} lacks clips/index.csv or speech/index.csv: name the folder with the data")
    arguments.output.mkdir(parents=True, exist_ok=True)
    people = People(arguments.data)
    found: dict[str, list[dict[str, float]]] = {}
    for kind in arguments.only.split(","):
        for number in range(arguments.first, arguments.first + arguments.each):
            file, truth = build(kind, number, people, arguments.output)
            row = measure(analyze(file, face="all"), truth, kind)
            found.setdefault(kind, []).append(row)
            print(kind, number, " ".join(f"{name} {value:.1f}" for name, value in row.items()), flush=True)
    for kind, rows in found.items():
        means = {name: round(float(np.mean([row[name] for row in rows])), 1) for name in rows[0]}
        print(kind, "mean", means, flush=True)
    (arguments.output / "conversations.json").write_text(json.dumps(found, indent=1) + "\n")


class People:
    """Clips by actor, and recordings of speakers by whom nothing was learned or chosen."""

    def __init__(self, data: Path) -> None:
        """Find out who there is; clips and recordings are read when they are needed."""
        self._clips: dict[str, list[Path]] = {}
        for clip in read_clip_index(data / "clips"):
            self._clips.setdefault(clip.actor, []).append(clip.path)
        utterances = read_utterances(data)
        side_of = sides(utterances)
        self._voices: dict[str, dict[str, list[Path]]] = {}
        for one in utterances:
            if side_of[one.person] is Side.TEST:
                self._voices.setdefault(one.person, {}).setdefault(one.label, []).append(one.path)

    def actors(self, count: int, rng: np.random.Generator) -> list[str]:
        """Draw so many actors."""
        return [str(actor) for actor in rng.choice(sorted(self._clips), count, replace=False)]

    def voices(self, count: int, rng: np.random.Generator, *, without: str = "") -> list[str]:
        """Draw so many speakers; those of one corpus, whose microphones tell nothing, where it has enough."""
        known = [
            person for person in sorted(self._voices) if not without or not person.endswith(f"/{without}")
        ]
        corpora = sorted({person.split("/")[0] for person in known})
        enough = [c for c in corpora if sum(p.startswith(f"{c}/") for p in known) >= max(count, 2)]
        corpus = rng.choice(enough)
        return [
            str(p) for p in rng.choice([p for p in known if p.startswith(f"{corpus}/")], count, replace=False)
        ]

    def clip(self, actor: str, rng: np.random.Generator) -> Clip:
        """Read one of an actor's clips."""
        media = probe(self._clips[actor][rng.integers(len(self._clips[actor]))])
        with PictureDecoder(media, longest_side=_SIDE[0]) as decoder:
            pictures = np.stack([picture for _, picture in decoder])
        with read_sound(media) as sound:
            samples = sound[0 : len(sound)]
        length = len(pictures) * SAMPLES_PER_TICK
        samples = np.pad(samples, (0, max(0, length - len(samples))))[:length]
        return Clip(pictures, _as_loud(samples))

    def label(self, person: str, rng: np.random.Generator) -> str:
        """Draw one of a speaker's emotions."""
        return str(rng.choice(sorted(self._voices[person])))

    def utterance(self, person: str, rng: np.random.Generator, label: str = "") -> NDArray[np.float32]:
        """Read one of a speaker's recordings, of any emotion or of one, whole ticks of it."""
        paths = [path for own, some in self._voices[person].items() if label in ("", own) for path in some]
        samples = trim(load_samples(paths[rng.integers(len(paths))]))
        return _as_loud(np.pad(samples, (0, -len(samples) % SAMPLES_PER_TICK)))


def build(kind: str, number: int, people: People, folder: Path) -> tuple[Path, NDArray[np.int64]]:
    """Build a conversation: a file, and who speaks in each tick."""
    rng = np.random.default_rng((KINDS.index(kind), number))
    if kind in ALONE:
        speakers = people.voices(1 if kind == "one" else 2 + number % 3, rng)
        labels = [people.label(person, rng) if kind == "steady" else "" for person in speakers]
        talk = _turns(
            len(speakers), rng, lambda who: (people.utterance(speakers[who], rng, labels[who]), None), []
        )
    else:
        actors = people.actors(2 if kind == "two" else 1, rng)
        seen = [people.clip(actor, rng).listening for actor in actors]
        if kind == "two":
            talk = _turns(2, rng, lambda who: _of(people.clip(actors[who], rng)), seen)
        else:
            other = people.voices(1, rng, without=actors[0])[0]

            def says(who: int) -> tuple[NDArray[np.float32], NDArray[np.uint8] | None]:
                own = kind == "interview" and who == 0
                return _of(people.clip(actors[0], rng)) if own else (people.utterance(other, rng), None)

            talk = _turns(2 if kind == "interview" else 1, rng, says, seen)
            talk.truth = [OFF if who == 1 or (kind == "silent" and who == 0) else who for who in talk.truth]
    return _write(talk, folder / f"{kind}-{number}", rng), np.array(talk.truth)


Says = Callable[[int], tuple[NDArray[np.float32], "NDArray[np.uint8] | None"]]


def _of(clip: Clip) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    return clip.sound, clip.pictures


def _turns(
    voices: int, rng: np.random.Generator, says: Says, listening: Sequence[NDArray[np.uint8]]
) -> Conversation:
    """Let so many voices speak in turn, one to three utterances each, with pauses of up to half a second."""
    talk = Conversation(pictures=[[] for _ in listening])
    who = NOBODY
    while len(talk.truth) < _SECONDS * TICK_HZ:
        who = int(rng.choice([i for i in range(voices) if i != who or voices == 1]))
        for _ in range(rng.integers(1, 4)):
            sound, pictures = says(who)
            _add(talk, sound, who, pictures, listening)
            pause = int(rng.integers(1, TICK_HZ // 2))
            _add(talk, np.zeros(pause * SAMPLES_PER_TICK, np.float32), NOBODY, None, listening)
    return talk


def _add(
    talk: Conversation,
    sound: NDArray[np.float32],
    who: int,
    pictures: NDArray[np.uint8] | None,
    listening: Sequence[NDArray[np.uint8]],
) -> None:
    ticks = len(sound) // SAMPLES_PER_TICK
    talk.sound.append(sound)
    begin = len(talk.truth)
    talk.truth += [who if speaks else NOBODY for speaks in spoken_in(sound)]
    for person, still in enumerate(listening):
        if person == who and pictures is not None:
            talk.pictures[person] += list(pictures)
        else:
            talk.pictures[person] += [_swaying(still, tick) for tick in range(begin, begin + ticks)]


def _swaying(picture: NDArray[np.uint8], tick: int) -> NDArray[np.uint8]:
    """Move a picture as a head moves that listens: by some percent of a face within seconds."""
    height, width = picture.shape[:2]
    across, down, angle = (np.sin(2 * np.pi * tick / TICK_HZ / period_s) for period_s in (3.1, 4.7, 5.3))
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 1.5 * angle, 1.0)
    matrix[:, 2] += 3 * across, 2 * down
    moved = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _write(talk: Conversation, path: Path, rng: np.random.Generator) -> Path:
    sound = np.concatenate(talk.sound)
    sound = sound + rng.standard_normal(len(sound)) * _LOUDNESS * 10 ** (-rng.uniform(25, 45) / 20)
    file = path.with_suffix(".wav")
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype(np.int16).tobytes())
    if not talk.pictures:
        return file
    raw, film = path.with_suffix(".rgb"), path.with_suffix(".mp4")
    with raw.open("wb") as content:
        for together in zip(*talk.pictures, strict=True):
            content.write(np.concatenate(together, axis=1).tobytes())
    height, width = np.concatenate([person[0] for person in talk.pictures], axis=1).shape[:2]
    _ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", TICK_HZ, "-i", raw,
        "-i", file, "-c:v", "libx264", "-preset", "veryfast", "-crf", 18, "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-b:a", "128k", film,
    )  # fmt: skip
    raw.unlink()
    return film


def measure(result: Analysis, truth: NDArray[np.int64], kind: str) -> dict[str, float]:
    """Compare a result with who spoke."""
    count = min(len(truth), result.media.ticks)
    voices, given = np.full(count, NOBODY), np.full(count, NOBODY)
    middle = (result.media.width or 0) / 2
    for row in result.timeline:
        if row.tick >= count or row.voice_id is None:
            continue
        voices[row.tick] = row.voice_id
        if row.speaking and row.box is not None:
            right = kind == "two" and row.box.x + row.box.width / 2 > middle
            given[row.tick] = int(right)
        elif row.off_screen:
            given[row.tick] = OFF
    truth = truth[:count]
    turns = errors_of(with_pauses(truth), with_pauses(voices))
    figures = {
        "diarisation error, %": sum(turns),
        **dict(zip(("missed", "false", "confused"), turns, strict=True)),
        "by the tick": sum(errors_of(truth, voices)),
        "voices": float(voices.max() + 1),
        "too many": float(voices.max() + 1 - len(np.unique(truth[truth != NOBODY]))),
    }
    if kind not in ALONE:
        heard = (voices != NOBODY) & (truth != NOBODY)
        figures = {"right, %": float(100 * (given[heard] == truth[heard]).mean()), **figures}
    return figures


def with_pauses(voices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fill the pauses that do not end a turn, `(ticks,)`."""
    result = np.full(len(voices), NOBODY)
    heard = {int(tick): int(voices[tick]) for tick in np.flatnonzero(voices != NOBODY)}
    for first, last, voice in joined(heard):
        result[first:last] = voice
    return result


def errors_of(truth: NDArray[np.int64], found: NDArray[np.int64]) -> tuple[float, float, float]:
    """Give missed, false and confused speech by the true speech, in percent, without a collar."""
    said, heard = truth != NOBODY, found != NOBODY
    both = said & heard
    people, one = np.unique(truth[both], return_inverse=True)
    voices, other = np.unique(found[both], return_inverse=True)
    shared = np.zeros((len(people), len(voices)))
    np.add.at(shared, (one, other), 1)
    right = shared[linear_sum_assignment(-shared)].sum()
    wrong = (said & ~heard).sum(), (~said & heard).sum(), both.sum() - right
    missed, false, confused = (float(100 * ticks / max(1, said.sum())) for ticks in wrong)
    return missed, false, confused


def _as_loud(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(samples * _LOUDNESS / max(float(np.sqrt(np.square(samples).mean())), 1e-6), np.float32)


if __name__ == "__main__":
    try:
        main()
    except EmoviewError as error:
        sys.exit(str(error))
