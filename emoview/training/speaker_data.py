"""Voices by speaker: what the network that tells voices apart learns from, and is measured on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.datasets.speech import NOT_SPEECH, Utterance
from emoview.datasets.tables import read_table
from emoview.networks.sizes import SPEAKER_INPUTS
from emoview.speakers.windows import without_level
from emoview.timeline.clock import SAMPLE_RATE
from emoview.training.augmentation import in_room
from emoview.training.processes import each
from emoview.training.speech import load_samples, speech_folders, spread
from emoview.voice.activity import trim
from emoview.voice.descriptors import FeatureSet, tick_features

Floats = NDArray[np.float32]

CLIPS_CORPUS: Final = "javanese"
"""Its speakers act in the clips, from which conversations are made: nothing is learned of them."""
SPEEDS: Final = (1.0, 0.87, 1.15)
"""Played at another speed, a voice becomes that of another: Yamamoto et al. (2019), Interspeech."""
_MOST_ALIKE = 20


class Side(str, Enum):
    """What a speaker is for."""

    LEARN = "learn"
    CHOOSE = "choose"
    TEST = "test"


@dataclass(frozen=True)
class Voices:
    """Recordings by speaker.

    Attributes:
        people: `(n,)`, who speaks in each.
        corpora: `(n,)`.
        ticks: `(ticks, 40)` MFCCs of each.
    """

    people: NDArray[np.str_]
    corpora: NDArray[np.str_]
    ticks: tuple[Floats, ...]


def read_utterances(data: Path) -> list[Utterance]:
    """Read the recordings of all folders that are there, with whatever labels.

    Raises:
        DatasetError: None is there.
    """
    utterances = [
        Utterance(folder / row["path"], row["corpus"], row["speaker"], row["label"])
        for folder in speech_folders(data)
        for row in read_table(folder / "index.csv", ["path", "corpus", "speaker", "label"])
    ]
    return [utterances[i] for i in spread(utterances, _MOST_ALIKE)]


def sides(utterances: Sequence[Utterance]) -> dict[str, Side]:
    """Say what each person is for.

    Of each corpus of speech every fifth speaker is held out, and all that act in the clips; of these every
    second is there to choose by, the others to measure on.
    """
    speakers: dict[str, set[str]] = {}
    for utterance in utterances:
        if not utterance.label.startswith(NOT_SPEECH):
            speakers.setdefault(utterance.corpus, set()).add(utterance.person)
    held_out: list[str] = []
    for corpus in sorted(speakers):
        people = sorted(speakers[corpus])
        held_out += people if corpus == CLIPS_CORPUS else people[4::5]
    result = {utterance.person: Side.LEARN for utterance in utterances}
    return result | {person: (Side.CHOOSE, Side.TEST)[i % 2] for i, person in enumerate(held_out)}


def describe_voices(
    data: Path,
    cache: Path,
    *,
    learned: bool,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> Voices:
    """Compute, or read back, the MFCCs of the voices to learn from, or of those that are held out.

    What is learned from comes at each of `SPEEDS`, as another person each, once as it is and once as it
    sounds elsewhere: see `elsewhere`.
    """
    utterances = read_utterances(data)
    of = sides(utterances)
    chosen = [u for u in utterances if (of[u.person] is Side.LEARN) == learned]
    variants = [(s, far) for s in SPEEDS for far in (False, True)] if learned else [(1.0, False)]
    key = hashlib.sha256(repr([(str(u.path.relative_to(data)), u.person) for u in chosen]).encode())
    cache.mkdir(parents=True, exist_ok=True)
    voices: list[tuple[str, str, Floats]] = []
    for speed, far in variants:
        file = cache / f"speakers-{speed}-{'elsewhere' if far else 'plain'}-{key.hexdigest()[:12]}.npz"
        if not file.exists():
            items = [(u.path, speed, far, i) for i, u in enumerate(chosen)]
            ticks = []
            for i, one in enumerate(each(_described, items)):
                ticks.append(one)
                on_file(i + 1, len(items))
            partial = file.with_name(f"partial-{file.name}")
            np.savez(partial, lengths=np.array([len(t) for t in ticks]), ticks=np.concatenate(ticks))
            partial.replace(file)
        stored = read_arrays(file, "remove it, and it is made again")
        lengths = stored.need("lengths", "i", (len(chosen),))
        every = stored.need("ticks", "f", (int(lengths.sum()), SPEAKER_INPUTS)).astype(np.float32)
        person = "{}" if speed == 1 else "{} at " + str(speed)
        voices += [
            (person.format(u.person), u.corpus, one)
            for u, one in zip(chosen, np.split(every, np.cumsum(lengths)[:-1]), strict=True)
        ]
    people, corpora, every_ticks = zip(*voices, strict=True)
    return Voices(np.array(people), np.array(corpora), every_ticks)


def _described(item: tuple[Path, float, bool, int]) -> NDArray[np.float16]:
    import librosa

    path, speed, far, number = item
    samples = trim(load_samples(path))
    if speed != 1:
        samples = librosa.resample(
            samples, orig_sr=SAMPLE_RATE * speed, target_sr=SAMPLE_RATE, res_type="soxr_hq"
        )
    if far:
        samples = elsewhere(samples, np.random.default_rng((number, round(100 * speed))))
    return tick_features(samples, FeatureSet.MFCC).astype(np.float16)


def elsewhere(samples: Floats, rng: np.random.Generator) -> Floats:
    """Let a voice be heard in a room, over a telephone, or with noise 5 to 30 dB below it; maybe in all."""
    if rng.random() < 0.6:
        samples = trim(in_room(samples, rng))
    if rng.random() < 0.8:
        noise = scipy.signal.lfilter([1.0], [1.0, -rng.uniform(0, 0.95)], rng.standard_normal(len(samples)))
        below = 10 ** (-rng.uniform(5, 30) / 20)
        noise *= below * np.sqrt(np.square(samples).mean() / max(np.square(noise).mean(), 1e-12))
        samples = samples + noise.astype(np.float32)
    if rng.random() < 0.3:
        samples = _telephone(samples)
    return np.asarray(np.clip(samples, -1, 1), np.float32)


def _telephone(samples: Floats) -> Floats:
    """Keep 300 to 3,400 Hz, in eight bits of mu-law (ITU-T G.711)."""
    band = scipy.signal.butter(4, (300, 3400), "bandpass", fs=SAMPLE_RATE, output="sos")
    heard = scipy.signal.sosfilt(band, samples)
    peak = max(float(np.abs(heard).max()), 1e-6)
    folded = np.sign(heard) * np.log1p(255 * np.abs(heard) / peak) / np.log(256)
    folded = np.round(folded * 127) / 127
    return np.asarray(peak * np.sign(folded) * np.expm1(np.abs(folded) * np.log(256)) / 255, np.float32)


def crops(
    voices: Voices, *, batch: int, steps: int, seed: tuple[int, ...]
) -> Iterator[tuple[Floats, NDArray[np.int64]]]:
    """Draw batches of 1 to 2 s of voices: `(batch, ticks, 40)`, and the numbers of their people, `(batch,)`.

    A crop is of one recording, or of several of the same person, so that other emotions are the same voice.
    """
    rng = np.random.default_rng(seed)
    _, number_of = np.unique(voices.people, return_inverse=True)
    of_person = [np.flatnonzero(number_of == i) for i in range(number_of.max() + 1)]
    heard = np.array([sum(len(voices.ticks[i]) for i in own) for own in of_person], np.float64)
    # Who speaks four times as long is drawn twice as often.
    share = np.sqrt(heard) / np.sqrt(heard).sum()
    for _ in range(steps):
        length = int(rng.choice((25, 37, 50)))
        drawn = rng.choice(len(of_person), batch, p=share)
        values = np.stack([_crop(voices, of_person[i], length, rng) for i in drawn])
        yield without_level(values), drawn


def _crop(voices: Voices, own: NDArray[np.int64], length: int, rng: np.random.Generator) -> Floats:
    parts: list[Floats] = []
    missing = length
    longest = length if rng.random() < 0.6 else length // 2 + 1
    while missing > 0:
        one = voices.ticks[rng.choice(own)]
        size = min(len(one), missing, longest)
        start = rng.integers(0, len(one) - size + 1)
        parts.append(one[start : start + size])
        missing -= size
    crop = np.concatenate(parts)
    # Another microphone, and bands that are masked, so that no coefficient decides alone.
    crop += rng.standard_normal((1, crop.shape[1]), dtype=np.float32) * 2.0
    if rng.random() < 0.5:
        width = rng.integers(1, max(2, length // 6))
        first = rng.integers(0, length - width + 1)
        crop[first : first + width] = crop.mean(axis=0)
    return crop
