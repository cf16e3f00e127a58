"""Labelled speech: reading an index of recordings, and describing each once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.augmentation import altered_voice
from emoview.training.datasets.speech import Utterance, read_speech_index
from emoview.training.processes import each
from emoview.voice.activity import trim
from emoview.voice.descriptors import FUNCTIONALS, FeatureSet, functionals, tick_features

Description = tuple[NDArray[np.float32], NDArray[np.float32]]

VARIANTS = 2
"""How often each training utterance is altered."""
MOST_ALIKE = 30
"""Utterances of one speaker with one label that take part: TESS and nEMO have up to 200 of a kind."""


@dataclass(frozen=True)
class SpeechFeatures:
    """Utterances with their features.

    Attributes:
        utterances: What was described.
        ticks: One `(ticks, 105)` float32 array for each.
        functionals: `(n, 6373)` float32.
        altered: `(n,)`, which were altered first, to train on: see `altered_voice`.
    """

    utterances: tuple[Utterance, ...]
    ticks: tuple[NDArray[np.float32], ...]
    functionals: NDArray[np.float32]
    altered: NDArray[np.bool_]

    @property
    def labels(self) -> NDArray[np.int64]:
        """`(n,)` positions in `VOICE_LABELS`."""
        return np.array([VOICE_LABELS.index(u.label) for u in self.utterances])

    def select(self, chosen: NDArray[np.bool_]) -> SpeechFeatures:
        """Keep the utterances where `chosen`, `(n,)`, is true."""
        index = np.flatnonzero(chosen)
        return SpeechFeatures(
            tuple(self.utterances[i] for i in index),
            tuple(self.ticks[i] for i in index),
            self.functionals[index],
            self.altered[index],
        )


def read_index(folder: Path, *, most: int | None = None) -> Iterator[Utterance]:
    """Read `index.csv` of a speech folder, in its order.

    Args:
        folder: Holds the index and the recordings.
        most: As in `spread`: a corpus of many takes by few speakers then does not outweigh the others.
    """
    # Whether every recording is there shows when it is read; with cached features it need not be.
    utterances = read_speech_index(folder, check_files=False)
    for i in range(len(utterances)) if most is None else spread(utterances, most):
        yield utterances[i]


def spread(utterances: Sequence[Utterance], most: int) -> list[int]:
    """Choose at most so many utterances of each speaker's with one label, evenly spread; gives positions."""
    groups: dict[tuple[str, str], list[int]] = {}
    for i, utterance in enumerate(utterances):
        groups.setdefault((utterance.person, utterance.label), []).append(i)
    chosen: list[int] = []
    for group in groups.values():
        count = min(most, len(group))
        chosen += (group[i * len(group) // count] for i in range(count))
    return sorted(chosen)


def load_samples(path: Path) -> NDArray[np.float32]:
    """Read a recording of a data set: `(n,)` at 16 kHz mono, in [-1, 1]."""
    import librosa

    samples, _ = librosa.load(path, sr=SAMPLE_RATE, mono=True)
    return np.asarray(samples, dtype=np.float32)


def describe_speech(
    folder: Path,
    cache: Path,
    *,
    most: int | None = None,
    variants: int = VARIANTS,
    workers: int = 2,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> SpeechFeatures:
    """Compute, or read back, the features of the utterances of a speech folder.

    Args:
        folder: Holds `index.csv` and the recordings.
        cache: Folder for the features; keyed by the index's content, `most` and the variant.
        most: As in `read_index`.
        variants: How often each is altered, to train on, and described again behind all others.
        workers: Processes that compute.
        on_file: Told how many of how many are done, of each variant.
    """
    utterances = tuple(read_index(folder, most=most))
    index = (folder / "index.csv").read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for variant in range(variants + 1):
        key = hashlib.sha256(index + f"{most}/{variant}".encode()).hexdigest()[:12]
        file = cache / f"speech-{key}.npz"
        if not file.exists():
            part = describe_utterances(utterances, variant=variant, workers=workers, on_file=on_file)
            partial = cache / f"partial-{key}.npz"
            lengths = np.array([len(t) for t in part.ticks])
            np.savez(partial, lengths=lengths, ticks=np.concatenate(part.ticks), functionals=part.functionals)
            partial.replace(file)
        with np.load(file) as stored:
            ticks = tuple(np.split(stored["ticks"], np.cumsum(stored["lengths"])[:-1]))
            parts.append(_features(utterances, ticks, stored["functionals"], variant))
    return joined(parts)


def describe_utterances(
    utterances: tuple[Utterance, ...],
    *,
    variant: int = 0,
    workers: int = 2,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> SpeechFeatures:
    """Compute the features of recordings.

    Args:
        utterances: The recordings.
        variant: 0 takes them as they are; each other number alters them in another way.
        workers: Processes that compute.
        on_file: Told how many of how many are done.
    """
    ticks: list[NDArray[np.float32]] = []
    summaries = np.zeros((len(utterances), FUNCTIONALS), np.float32)
    items = [(u.path, (variant, i) if variant else None) for i, u in enumerate(utterances)]
    for i, (per_tick, summary) in enumerate(each(_describe_item, items, workers=workers)):
        ticks.append(per_tick)
        summaries[i] = summary
        on_file(i + 1, len(utterances))
    return _features(utterances, tuple(ticks), summaries, variant)


def describe(path: Path, seed: tuple[int, int] | None = None) -> Description:
    """Describe a recording, without the silence around it: ticks `(ticks, 105)`, functionals `(6373,)`.

    With a `seed` it is altered first.
    """
    samples = trim(load_samples(path))
    if seed is not None:
        samples = trim(altered_voice(samples, np.random.default_rng(seed)))
    return tick_features(samples, FeatureSet.BOTH), functionals(samples)


def _describe_item(item: tuple[Path, tuple[int, int] | None]) -> Description:
    return describe(*item)


def _features(
    utterances: tuple[Utterance, ...],
    ticks: tuple[NDArray[np.float32], ...],
    summaries: NDArray[np.float32],
    variant: int,
) -> SpeechFeatures:
    return SpeechFeatures(utterances, ticks, summaries, np.full(len(utterances), variant > 0))


def joined(parts: Sequence[SpeechFeatures]) -> SpeechFeatures:
    """Put some behind each other."""
    return SpeechFeatures(
        tuple(u for part in parts for u in part.utterances),
        tuple(t for part in parts for t in part.ticks),
        np.concatenate([part.functionals for part in parts]),
        np.concatenate([part.altered for part in parts]),
    )
