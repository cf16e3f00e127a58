"""Labelled speech: reading an index of recordings, and describing each once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.datasets.speech import Utterance, read_speech_index
from emoview.errors import DatasetError
from emoview.timeline.clock import SAMPLE_RATE
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.augmentation import altered_voice, in_room, on_telephone
from emoview.training.processes import each
from emoview.voice.activity import trim
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import FLOOR_DB, FLOOR_HZ, USUAL_DB, at_usual_level

Description = tuple[NDArray[np.float32], NDArray[np.float32]]


class Variant(IntEnum):
    """How a recording is described: as it is, or as another that it is made to."""

    AS_RECORDED = 0
    ALTERED = 1
    ALTERED_IN_ROOM = 3
    IN_ROOM = 4
    ALTERED_ON_TELEPHONE = 5
    ON_TELEPHONE = 6


TAUGHT = (
    Variant.AS_RECORDED,
    Variant.ALTERED,
    Variant.ALTERED_IN_ROOM,
    Variant.ALTERED_ON_TELEPHONE,
)
"""What networks learn of each utterance; see `altered_voice`, `in_room` and `on_telephone`."""
FOLDERS = ("speech", "speech_more")
"""Folders with an `index.csv` of recordings; one of them suffices."""
MOST_ALIKE = 30
"""Utterances of one speaker with one label that take part: TESS and nEMO have up to 200 of a kind."""


@dataclass(frozen=True)
class SpeechFeatures:
    """Utterances with their features.

    Attributes:
        utterances: What was described.
        ticks: One `(ticks, descriptors)` float32 array for each.
        functionals: `(n, functionals)` float32.
        variants: `(n,)` of `Variant`, as what each is described.
    """

    utterances: tuple[Utterance, ...]
    ticks: tuple[NDArray[np.float32], ...]
    functionals: NDArray[np.float32]
    variants: NDArray[np.int64]

    @property
    def labels(self) -> NDArray[np.int64]:
        """`(n,)` positions in `VOICE_LABELS`."""
        return np.array([VOICE_LABELS.index(u.label) for u in self.utterances])

    @property
    def altered(self) -> NDArray[np.bool_]:
        """`(n,)`, which are not described as they were recorded."""
        return np.not_equal(self.variants, Variant.AS_RECORDED)

    def select(self, chosen: NDArray[np.bool_]) -> SpeechFeatures:
        """Keep the utterances where `chosen`, `(n,)`, is true."""
        index = np.flatnonzero(chosen)
        return SpeechFeatures(
            tuple(self.utterances[i] for i in index),
            tuple(self.ticks[i] for i in index),
            self.functionals[index],
            self.variants[index],
        )


def speech_folders(data: Path) -> list[Path]:
    """Give those of `FOLDERS` that are there.

    Raises:
        DatasetError: None is.
    """
    found = [folder for folder in (data / name for name in FOLDERS) if (folder / "index.csv").is_file()]
    if not found:
        raise DatasetError(f"{data} holds neither {' nor '.join(FOLDERS)} with an index.csv; name another.")
    return found


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
    """Read a recording of a data set: `(n,)` at 16 kHz mono, in [-1, 1].

    Raises:
        DatasetError: It cannot be decoded, or nothing is in it.
    """
    import librosa

    # It is imported here, for librosa imports what is asked for: what fails now is not the recording.
    load = librosa.load
    try:
        samples, _ = load(path, sr=SAMPLE_RATE, mono=True)
    except MemoryError:
        raise
    except Exception:
        # What librosa and the libraries below it raise of a damaged file has no common class.
        raise DatasetError(f"{path} cannot be decoded; fetch it again or take it out.") from None
    if not len(samples) or not np.isfinite(samples).all():
        raise DatasetError(f"{path} holds no sound, or samples that are no numbers; take it out.")
    return np.asarray(samples, dtype=np.float32)


def describe_speech(
    folder: Path,
    cache: Path,
    *,
    most: int | None = None,
    variants: Sequence[Variant] = TAUGHT,
    features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    workers: int = 2,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> SpeechFeatures:
    """Compute, or read back, the features of the utterances of a speech folder.

    Args:
        folder: Holds `index.csv` and the recordings.
        cache: Folder for the features; keyed by the index's content, `most` and the variant.
        most: As in `read_index`.
        variants: What is described of each: all of the first, then all of the next.
        features: By what.
        workers: Processes that compute.
        on_file: Told how many of how many are done, of each variant.
    """
    utterances = tuple(read_index(folder, most=most))
    index = (folder / "index.csv").read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    parts = []
    for variant in variants:
        key = hashlib.sha256(
            index + f"{most}/{variant.value}/{USUAL_DB}/{FLOOR_DB}/{FLOOR_HZ}".encode()
        ).hexdigest()[:12]
        file = cache / f"speech{features.suffix}-{key}.npz"
        if not file.exists():
            part = describe_utterances(
                utterances, variant=variant, features=features, workers=workers, on_file=on_file
            )
            partial = cache / f"partial{features.suffix}-{key}.npz"
            lengths = np.array([len(t) for t in part.ticks])
            np.savez(partial, lengths=lengths, ticks=np.concatenate(part.ticks), functionals=part.functionals)
            partial.replace(file)
        stored = read_arrays(file, "remove it, and it is made again")
        lengths = stored.need("lengths", "i", (len(utterances),))
        ticks = tuple(
            np.split(stored.need("ticks", "f", (int(lengths.sum()), None)), np.cumsum(lengths)[:-1])
        )
        summaries = stored.need("functionals", "f", (len(utterances), features.functionals))
        parts.append(_features(utterances, ticks, summaries, variant))
    return joined(parts)


def describe_utterances(
    utterances: tuple[Utterance, ...],
    *,
    variant: Variant = Variant.AS_RECORDED,
    features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    workers: int = 2,
    on_file: Callable[[int, int], None] = lambda done, total: None,
) -> SpeechFeatures:
    """Compute the features of recordings.

    Args:
        utterances: The recordings.
        variant: Whether they are altered first.
        features: By what they are described.
        workers: Processes that compute.
        on_file: Told how many of how many are done.
    """
    ticks: list[NDArray[np.float32]] = []
    summaries = np.zeros((len(utterances), features.functionals), np.float32)
    items = [(u.path, variant, i, features) for i, u in enumerate(utterances)]
    for i, (per_tick, summary) in enumerate(each(_describe_item, items, workers=workers)):
        ticks.append(per_tick)
        summaries[i] = summary
        on_file(i + 1, len(utterances))
    return _features(utterances, tuple(ticks), summaries, variant)


def describe(
    path: Path,
    variant: Variant = Variant.AS_RECORDED,
    number: int = 0,
    features: VoiceFeatures = VoiceFeatures.OPENSMILE,
) -> Description:
    """Describe a recording, without the silence around it, as `VoiceFeatures.of_utterance` does.

    The `variant` and the `number` of the recording decide how it is altered first.  It is brought to the
    usual level, as is whatever is analysed.
    """
    samples = trim(load_samples(path))
    rng = np.random.default_rng((variant, number))
    if variant == Variant.IN_ROOM:
        samples = trim(in_room(samples, rng))
    elif variant == Variant.ON_TELEPHONE:
        samples = trim(on_telephone(samples, rng))
    elif variant != Variant.AS_RECORDED:
        room, telephone = (
            variant == which for which in (Variant.ALTERED_IN_ROOM, Variant.ALTERED_ON_TELEPHONE)
        )
        samples = trim(altered_voice(samples, rng, room=room, telephone=telephone))
    return features.of_utterance(at_usual_level(samples))


def _describe_item(item: tuple[Path, Variant, int, VoiceFeatures]) -> Description:
    return describe(*item)


def _features(
    utterances: tuple[Utterance, ...],
    ticks: tuple[NDArray[np.float32], ...],
    summaries: NDArray[np.float32],
    variant: Variant,
) -> SpeechFeatures:
    return SpeechFeatures(utterances, ticks, summaries, np.full(len(utterances), int(variant)))


def joined(parts: Sequence[SpeechFeatures]) -> SpeechFeatures:
    """Put some behind each other."""
    return SpeechFeatures(
        tuple(u for part in parts for u in part.utterances),
        tuple(t for part in parts for t in part.ticks),
        np.concatenate([part.functionals for part in parts]),
        np.concatenate([part.variants for part in parts]),
    )
