"""Learning what is speech from what Silero's network remembers, and how well it is told from other sounds.

The network's own last layer takes shouts for noise and some laughter for speech.  A new one is fitted to its
memory of made-up recordings, in which speech of all emotions, sounds that voices make without words, music
and noise follow each other, in rooms, over telephones and in noise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.speech import NOT_SPEECH, Utterance
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.training.augmentation import in_room, on_telephone
from emoview.training.made_up import coloured, made_up_sound
from emoview.training.processes import each
from emoview.training.speaker_data import Side, read_utterances, sides
from emoview.training.speech import load_samples
from emoview.training.systems.events import OnEvent
from emoview.voice.activity import spoken
from emoview.voice.level import USUAL_DB, at_usual_level
from emoview.voice.silero import CHUNK, Floats, Layer, own_layer, probability_of, remembered

_SEQUENCES, _MEASURED = 320, 96
_SECONDS, _LONGEST_S = 30, 8
# Of what a recording is made up: the rest are sounds of no voice.
_OF_SPEECH, _OF_VOICES = 0.55, 0.3
# Of the sounds: many people at once, of whom no word is understood.
_OF_CROWDS, _CROWD = 0.2, (8, 30)
# Log-odds that are added in the end: to miss words is worse than to hear some more.
_SOONER: Final = 0.8
_RIDGE, _ROUNDS = 10.0, 12
# Speech lies this far below its own mean level at the least, and goes on for so long (ITU-T P.56, 2011).
_MARGIN_DB, _HANGOVER = 15.9, round(0.2 * TICK_HZ)
_FRAME, _ESTIMATES = SAMPLES_PER_TICK // 2, 50


class Kind(IntEnum):
    """What a tick holds: words, other sounds of a voice, or a sound of none."""

    SILENCE = 0
    SPEECH = 1
    VOICE = 2
    SOUND = 3


@dataclass(frozen=True)
class Heard:
    """A made-up recording.

    Attributes:
        memory: `(chunks, 128)`, what the network remembers.
        kinds: `(ticks,)` of `Kind`.
    """

    memory: NDArray[np.float16]
    kinds: NDArray[np.int8]


def spoken_in(sound: Floats) -> NDArray[np.bool_]:
    """Find the speech in a clean recording of one voice, as ITU-T P.56 defines it, `(ticks,)`.

    Args:
        sound: `(640 ticks,)`, 16 kHz mono.
    """
    result = np.zeros(len(sound) // SAMPLES_PER_TICK, bool)
    if not sound.any():
        return result
    power = np.square(sound.reshape(-1, _FRAME).astype(np.float64)).mean(axis=1)
    power = np.convolve(np.pad(power, 1), np.ones(3) / 3, "valid")
    active = power > power.max() * 1e-6
    # The limit follows from the level of what is above it.
    for _ in range(_ESTIMATES):
        active = power > power[active].mean() * 10 ** (-_MARGIN_DB / 10)
    for tick in np.flatnonzero(active.reshape(-1, SAMPLES_PER_TICK // _FRAME).any(axis=1)):
        result[tick : tick + 1 + _HANGOVER] = True
    return result


def train_activity(data: Path, *, on_event: OnEvent) -> tuple[Layer, dict[str, float]]:
    """Fit the layer to some speakers, and measure it on others.

    Returns:
        The layer; and shares of ticks that are taken for speech, in percent, by kind, of this layer and of
        Silero's own.
    """
    learn, measure = _two_sides(read_utterances(data))
    layer = fitted(_described(learn, _SEQUENCES, 0, on_event))
    held_out = list(_described(measure, _MEASURED, 1, on_event))
    return layer, {**shares(held_out, layer), **shares(held_out, own_layer(), "_silero")}


def _two_sides(utterances: Sequence[Utterance]) -> tuple[list[Utterance], list[Utterance]]:
    """Separate whom to learn from, and whom to measure on: every fifth, and all that act in the clips."""
    of = sides(utterances)
    others = sorted({u.person for u in utterances if u.label.startswith(NOT_SPEECH)})
    held_out = {person for person, side in of.items() if side is not Side.LEARN} | set(others[4::5])
    return (
        [u for u in utterances if u.person not in held_out],
        [u for u in utterances if u.person in held_out],
    )


def fitted(sequences: Iterable[Heard]) -> Layer:
    """Fit a logistic regression with a penalty, by Newton's method."""
    parts = [(one.memory[::2].astype(np.float64), _by_chunk(one)[::2]) for one in sequences]
    values = np.concatenate([memory for memory, _ in parts])
    kinds = np.concatenate([kinds for _, kinds in parts])
    values = np.column_stack([values, np.ones(len(values))])
    weight = np.array([1.0, 1.0, 2.0, 2.0])[kinds]
    penalty = np.diag(np.append(np.full(values.shape[1] - 1, _RIDGE), 0.0))
    layer = np.zeros(values.shape[1])
    for _ in range(_ROUNDS):
        said = 1 / (1 + np.exp(-values @ layer))
        slope = values.T @ (weight * (said - (kinds == Kind.SPEECH))) + penalty @ layer
        bend = (values * (weight * said * (1 - said))[:, None]).T @ values + penalty
        layer -= np.linalg.solve(bend, slope)
    return Layer(tuple(round(float(v), 5) for v in layer[:-1]), round(float(layer[-1]) + _SOONER, 5))


def shares(sequences: Iterable[Heard], layer: Layer, name: str = "") -> dict[str, float]:
    """Tell how much of each kind is taken for speech, in percent."""
    found = {kind: [0, 0] for kind in Kind}
    for one in sequences:
        places = _chunk_of(np.arange(len(one.kinds)), len(one.memory))
        taken = spoken(probability_of(one.memory.astype(np.float32), layer)[places])
        for kind, counts in found.items():
            counts[0] += int(taken[one.kinds == kind].sum())
            counts[1] += int((one.kinds == kind).sum())
    return {f"{kind.name.lower()}{name}": 100 * n / max(of, 1) for kind, (n, of) in found.items()}


def _chunk_of(ticks: NDArray[np.int64], chunks: int) -> NDArray[np.int64]:
    middles = ticks * SAMPLES_PER_TICK + SAMPLES_PER_TICK // 2
    return np.asarray(np.minimum(middles // CHUNK, chunks - 1), np.int64)


def _by_chunk(one: Heard) -> NDArray[np.int8]:
    ticks = (np.arange(len(one.memory)) * CHUNK + CHUNK // 2) // SAMPLES_PER_TICK
    return np.asarray(one.kinds[np.minimum(ticks, len(one.kinds) - 1)], np.int8)


def _described(utterances: Sequence[Utterance], count: int, side: int, on_event: OnEvent) -> Iterable[Heard]:
    by_kind: dict[str, list[list[Path]]] = {"speech": [], "voice": []}
    groups: dict[tuple[str, str], list[Path]] = {}
    for one in utterances:
        is_voice = one.label.startswith(NOT_SPEECH)
        # Each corpus of speech, and each sound of voices, is as frequent.
        groups.setdefault(("voice", one.label) if is_voice else ("speech", one.corpus), []).append(one.path)
    for (kind, _), paths in sorted(groups.items()):
        by_kind[kind].append(paths)
    items = [(by_kind["speech"], by_kind["voice"], (number, side)) for number in range(count)]
    for number, heard in enumerate(each(_sequence, items), start=1):
        if number % 80 == 0:
            on_event({"recordings described": number, "of": count})
        yield heard


def _sequence(item: tuple[list[list[Path]], list[list[Path]], tuple[int, int]]) -> Heard:
    """Make up a recording, and let the network hear it."""
    speech, voices, seed = item
    rng = np.random.default_rng(seed)
    sounds: list[Floats] = []
    kinds: list[NDArray[np.int8]] = []
    while sum(map(len, sounds)) < _SECONDS * SAMPLE_RATE:
        samples, own = _part(speech, voices, rng)
        pause = int(rng.integers(2, TICK_HZ))
        sounds += [samples, np.zeros(pause * SAMPLES_PER_TICK, np.float32)]
        kinds += [own, np.zeros(pause, np.int8)]
    sound = _elsewhere(np.concatenate(sounds), seed[0], rng)
    return Heard(remembered(at_usual_level(sound)).astype(np.float16), np.concatenate(kinds))


def _part(
    speech: list[list[Path]], voices: list[list[Path]], rng: np.random.Generator
) -> tuple[Floats, NDArray[np.int8]]:
    drawn = rng.random()
    if drawn >= _OF_SPEECH + _OF_VOICES or not voices:
        length = int(rng.uniform(1, 5) * TICK_HZ) * SAMPLES_PER_TICK
        is_crowd = rng.random() < _OF_CROWDS
        samples = _crowd(speech, length, rng) if is_crowd else made_up_sound(length, rng)
        return samples, np.full(len(samples) // SAMPLES_PER_TICK, Kind.SOUND, np.int8)
    groups, kind = (speech, Kind.SPEECH) if drawn < _OF_SPEECH else (voices, Kind.VOICE)
    paths = groups[rng.integers(len(groups))]
    samples = load_samples(paths[rng.integers(len(paths))])[: _LONGEST_S * SAMPLE_RATE]
    samples = at_usual_level(np.pad(samples, (0, -len(samples) % SAMPLES_PER_TICK)))
    louder = np.float32(10 ** (rng.uniform(-5, 3) / 20))
    return samples * louder, np.where(spoken_in(samples), kind, Kind.SILENCE).astype(np.int8)


def _crowd(speech: list[list[Path]], length: int, rng: np.random.Generator) -> Floats:
    result = np.zeros(length, np.float32)
    for _ in range(rng.integers(*_CROWD)):
        paths = speech[rng.integers(len(speech))]
        voice = at_usual_level(load_samples(paths[rng.integers(len(paths))]))
        result += np.float32(rng.uniform(0.3, 1)) * np.resize(voice, length)
    return at_usual_level(in_room(result, rng)[:length])


def _elsewhere(sound: Floats, number: int, rng: np.random.Generator) -> Floats:
    """Let a recording be as it is, in a room, over a telephone, or in noise, by turns."""
    where = number % 4
    heard = (sound, in_room(sound, rng), on_telephone(sound, rng), sound)[where][: len(sound)]
    below_db = rng.uniform(*((35, 60), (25, 50), (25, 50), (0, 20))[where])
    noise = coloured(len(heard), rng.uniform(0, 0.8), rng)
    return heard + np.float32(10 ** ((USUAL_DB - below_db) / 20)) * noise
