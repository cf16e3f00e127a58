"""Training of the network that tells voices apart, and how well it does so with strangers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.networks.speaker import MarginLoss, build_speaker, with_speakers, without_speakers
from emoview.networks.temporal import set_normalisation
from emoview.speakers.windows import WINDOW, without_level
from emoview.training.loop import fit
from emoview.training.plan import VALIDATION, Plan
from emoview.training.recipes import note_recordings
from emoview.training.speaker_data import (
    Floats,
    Side,
    Voices,
    crops,
    describe_voices,
    read_utterances,
    sides,
)
from emoview.training.systems.events import OnEvent

_EACH = 12


@dataclass(frozen=True)
class SpeakerRecipe:
    """What decides the outcome.

    Attributes:
        epochs: Of so many steps each.
        steps: Batches an epoch.
        batch: Crops a step.
        rate: Highest learning rate; brought to zero by a cosine.
        seed: Decides the start and the order.
    """

    epochs: int = 50
    steps: int = 150
    batch: int = 128
    rate: float = 2e-3
    seed: int = 1


def train_speakers(
    data: Path, run: Path, recipe: SpeakerRecipe, *, on_event: OnEvent
) -> tuple[keras.Model, dict[str, float]]:
    """Train the network, and measure it on speakers that it has not heard; called again, go on.

    Args:
        data: Holds `speech`, `speech_more`, or both.
        run: Folder for features and checkpoints.
        recipe: What decides the outcome.
        on_event: Told of every step and epoch.

    Returns:
        The network, and equal error rates in percent.
    """

    def on_file(done: int, total: int) -> None:
        if done % 500 == 0 or done == total:
            on_event({"voices described": f"{done}/{total}"})

    utterances = read_utterances(data)
    fresh = not (run / "speaker" / "history.json").exists()
    note_recordings(run / "speaker_recordings.sha256", utterances, fresh=fresh)
    cache = run / "features"
    voices = describe_voices(data, cache, learned=True, on_file=on_file)
    held_out = describe_voices(data, cache, learned=False, on_file=on_file)
    of = sides(utterances)
    side_of = np.array([of[person].value for person in held_out.people])
    choose, test = (_select(held_out, side_of == side.value) for side in (Side.CHOOSE, Side.TEST))
    every = np.concatenate([without_level(one[None])[0] for one in voices.ticks])
    count = len(np.unique(voices.people))

    def build() -> keras.Model:
        network = build_speaker()
        set_normalisation(network, every.mean(axis=0), every.var(axis=0) + 1e-6)
        return with_speakers(network, count)

    def judge(model: keras.Model) -> dict[str, float]:
        rate = equal_error_rate(choose, without_speakers(model))
        return {f"{VALIDATION}right": round(100 - rate, 3)}

    trained = fit(
        build,
        lambda epoch: crops(voices, batch=recipe.batch, steps=recipe.steps, seed=(recipe.seed, epoch)),
        judge,
        Plan(recipe.epochs, recipe.rate, optimizer="adamw", schedule="cosine"),
        run / "speaker",
        loss=MarginLoss(), seed=recipe.seed, watch=f"{VALIDATION}right", metrics=(),
        name="speaker", of=recipe.steps, on_event=on_event,
    )  # fmt: skip
    network = without_speakers(trained)
    figures = {side: equal_error_rate(part, network) for side, part in (("choose", choose), ("test", test))}
    return network, figures


def equal_error_rate(voices: Voices, network: keras.Model, *, ticks: int = WINDOW) -> float:
    """Give the rate at which others are taken for the same as often as the same for others, in percent.

    Pairs are windows of two recordings of one corpus: its microphones tell nothing.
    """
    rows = [i for i in _few_of_each(voices) if len(voices.ticks[i]) >= ticks // 2]
    windows = np.stack([_middle(voices.ticks[i], ticks) for i in rows])
    said = np.concatenate([
        np.asarray(network.predict_on_batch(without_level(windows[i : i + 128])))
        for i in range(0, len(windows), 128)
    ])  # fmt: skip
    said /= np.linalg.norm(said, axis=1, keepdims=True)
    people, corpora = voices.people[rows], voices.corpora[rows]
    left, right = np.triu_indices(len(rows), 1)
    near = corpora[left] == corpora[right]
    left, right = left[near], right[near]
    return _equal_error(np.einsum("ij,ij->i", said[left], said[right]), people[left] == people[right])


def _equal_error(alike: Floats, same: NDArray[np.bool_]) -> float:
    order = np.argsort(alike)
    missed = np.cumsum(same[order]) / max(1, same.sum())
    taken = 1 - np.cumsum(~same[order]) / max(1, (~same).sum())
    at = int(np.argmin(np.abs(missed - taken)))
    return float(100 * (missed[at] + taken[at]) / 2)


def _few_of_each(voices: Voices) -> list[int]:
    rows: list[int] = []
    for person in np.unique(voices.people):
        own = np.flatnonzero(voices.people == person)
        rows += own[np.linspace(0, len(own) - 1, min(_EACH, len(own))).astype(int)].tolist()
    return rows


def _middle(values: Floats, ticks: int) -> Floats:
    """Cut a window out of the middle; what is shorter is repeated."""
    repeated = np.concatenate([values] * -(-ticks // len(values)))
    start = (len(repeated) - ticks) // 2
    return repeated[start : start + ticks]


def _select(voices: Voices, chosen: NDArray[np.bool_]) -> Voices:
    index = np.flatnonzero(chosen)
    return Voices(voices.people[index], voices.corpora[index], tuple(voices.ticks[i] for i in index))
