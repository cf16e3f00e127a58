"""Clips as system D's networks take them: face embeddings and descriptors by tick, and functionals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.files import digest_of
from emoview.datasets.splits import Indices, leave_one_group_out
from emoview.errors import DatasetError, InputError
from emoview.face.align import network_input
from emoview.networks.preparation import embedding_of_prepared
from emoview.networks.runs import NetworkOfRun, load_network, networks_of
from emoview.networks.sizes import DESCRIPTORS, FACE_SIZE, FUNCTIONALS
from emoview.pipeline.inference import FACE_BATCH, run_faces
from emoview.pipeline.models import Models
from emoview.training.clips import Clip, faces_of
from emoview.training.systems.events import OnEvent


@dataclass(frozen=True)
class Sequences:
    """Clips as the networks take them.

    Attributes:
        values: For each clip `(ticks, embedding + 105)`: of the face, then the voice's descriptors.
        functionals: `(n, 6373)`.
        labels: `(n,)`.
        actors: `(n,)`.
        parts: `(n,)`; None where the data set has none.
        digests: `(n,)`, of the files, where copies are looked for.
    """

    values: tuple[NDArray[np.float32], ...]
    functionals: NDArray[np.float32]
    labels: NDArray[np.int64]
    actors: tuple[str, ...]
    parts: tuple[str | None, ...]
    digests: tuple[str, ...] | None = None

    @property
    def width(self) -> int:
        """Values a tick."""
        return int(self.values[0].shape[1])

    def splits(self) -> tuple[tuple[Indices, Indices], ...]:
        """Split as the data set does, else leave out one actor after the other: `(known, asked)`.

        Of a clip that is there twice, what is asked about is not known.
        """
        parts = np.array([part or "" for part in self.parts])
        measured = next((part for part in ("valid", "test") if part in parts), None)
        drawn: tuple[tuple[Indices, Indices], ...]
        if "train" in parts and measured is not None:
            drawn = ((np.flatnonzero(parts == "train"), np.flatnonzero(parts == measured)),)
        elif len(set(self.actors)) < 3:
            raise DatasetError("the clips name fewer than three actors: leaving one out leaves too little")
        else:
            drawn = leave_one_group_out(self.actors)
        return tuple((self._others(known, asked), asked) for known, asked in drawn)

    def _others(self, known: Indices, asked: Indices) -> Indices:
        """Leave out the copies of the clips `asked`."""
        if self.digests is None:
            return known
        copied = {self.digests[i] for i in asked}
        return known[[self.digests[i] not in copied for i in known]]


def sequences_of(clips: list[Clip], faces: str | None, on_event: OnEvent) -> Sequences:
    """Make sequences of clips, whose faces the network of the run folder `faces`, or what ships, embeds."""
    embedded = _embedder(faces)
    values, summaries = [], []
    for number, clip in enumerate(clips):
        ticks = max(len(clip.features), int(clip.face_ticks.max(initial=-1)) + 1, 1)
        embeddings = embedded(clip)
        sequence = np.zeros((ticks, embeddings.shape[1] + DESCRIPTORS), np.float32)
        if len(embeddings):
            # A tick without a face shows the last one.
            last = np.searchsorted(clip.face_ticks, np.arange(ticks), side="right") - 1
            sequence[:, :-DESCRIPTORS] = embeddings[np.maximum(last, 0)]
        sequence[: len(clip.features), -DESCRIPTORS:] = clip.features
        values.append(sequence)
        silent = np.zeros((1, FUNCTIONALS), np.float32)
        summaries.append((clip.functionals if len(clip.functionals) else silent).mean(axis=0))
        on_event({"step": number + 1, "of": len(clips)})
    return Sequences(
        tuple(values), np.stack(summaries), np.array([c.label for c in clips]),
        tuple(c.actor for c in clips), tuple(c.file.part for c in clips),
        tuple(digest_of(c.file.path) for c in clips),
    )  # fmt: skip


def inputs_of(
    clips: Sequences,
    index: NDArray[np.int64],
    length: int,
    functionals: bool,
    rng: np.random.Generator | None,
) -> Any:
    """Give what a network takes of the clips `index`.

    Args:
        clips: All there are.
        index: Positions of those that are wanted.
        length: Ticks of a sequence.
        functionals: Whether it takes these, `(n, 6373)`; else sequences `(n, length, width)` and their mask.
        rng: Chooses the part of a longer clip; None for the middle.
    """
    if functionals:
        return clips.functionals[index]
    values = np.zeros((len(index), length, clips.width), np.float32)
    mask = np.zeros((len(index), length), bool)
    for row, i in enumerate(index):
        sequence = clips.values[i]
        spare = max(0, len(sequence) - length)
        start = spare // 2 if rng is None else int(rng.integers(0, spare + 1))
        part = sequence[start : start + length]
        values[row, : len(part)], values[row, len(part) :] = part, part[-1]
        mask[row, : len(part)] = True
    return values, mask


def input_variance(values: NDArray[np.float32], embedding: int) -> NDArray[np.float32]:
    """Give the variance, `(n,)`, by which inputs `(ticks, n)` are normalised.

    The first `embedding` of them have one scale, and get a floor from it: one that hardly varies here must
    not explode elsewhere.  Descriptors and functionals have each its own unit.
    """
    variance = values.var(axis=0) + np.float32(1e-6)
    if embedding:
        variance[:embedding] += 0.1 * variance[:embedding].mean()
    return np.asarray(variance, np.float32)


def face_network_of(run: str) -> NetworkOfRun:
    """Find the network of a run folder that embeds faces.

    Raises:
        InputError: There is none.
    """
    stored = networks_of(Path(run))[-1:]
    if not stored or stored[0].takes != "pictures" or stored[0].task != "face":
        raise InputError(f"{run} has no network for pictures of faces: name such a run, or none")
    return stored[0]


def _embedder(run: str | None) -> Callable[[Clip], NDArray[np.float32]]:
    """Give what embeds the faces of a clip, `(faces, n)`: the shipped network, or that of a run."""
    if run is None:
        network = Models().face_cnn

        def shipped(clip: Clip) -> NDArray[np.float32]:
            return run_faces(network, list(clip.faces), clip.face_ticks)[0]

        return shipped
    stored = face_network_of(run)
    network = embedding_of_prepared(load_network(Path(run), stored))
    size, colour = stored.size or FACE_SIZE, stored.colour

    def of_run(clip: Clip) -> NDArray[np.float32]:
        faces = faces_of(clip.file.path)
        parts = [np.zeros((0, network.output_shape[0][-1]), np.float32)]
        for start in range(0, len(clip.faces), FACE_BATCH):
            batch = np.zeros((FACE_BATCH, size, size, 3 if colour else 1), np.float32)
            chosen = list(islice(faces, min(FACE_BATCH, len(clip.faces) - start)))
            for row, found in enumerate(chosen):
                batch[row] = network_input(found.face, size, colour=colour)
            parts.append(np.asarray(network.predict_on_batch(batch)[0])[: len(chosen)])
        return np.concatenate(parts)

    return of_run
