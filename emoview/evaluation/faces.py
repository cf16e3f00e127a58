"""Measuring face networks on labelled pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.attributes import Attributes, read_attributes
from emoview.datasets.pictures import LabelledPictures, open_pictures
from emoview.errors import DatasetError, InputError
from emoview.evaluation.seen import Examples, SeenCheck
from emoview.fusion.late import softmax
from emoview.metrics.figures import GroupedFigures, LabelFigures
from emoview.metrics.groups import measure_attributes
from emoview.metrics.labels import measure_labels
from emoview.networks.runs import NetworkOfRun, load_network, networks_of
from emoview.networks.sizes import FACE_SIZE
from emoview.timeline.labels import FACE_LABELS, LABELS, TaughtCount, group_of
from emoview.training.systems.events import OnEvent

SHIPPED = "shipped"

_BATCH = 64


def evaluate_faces(
    model: str,
    folder: Path,
    part: str | None,
    *,
    truth: str,
    cut_out: bool = False,
    groups: Path | None = None,
    on_event: OnEvent,
    check: SeenCheck | None = None,
) -> dict[str, LabelFigures]:
    """Measure what ships, or the networks of a run, on labelled pictures.

    Pictures that show contempt are measured where the networks tell eight labels, or groups of them; networks
    of seven labels are not asked about them.

    Args:
        model: `shipped`, which sees the face of each picture as that of a video where the picture is larger
            than faces that were cut out before, or a run folder.
        folder: Labelled pictures in any layout that is known.
        part: Of the data set; None where there is only one.
        truth: `original` labels, or those most `votes` of FER+ were for.
        cut_out: Whether what ships sees the faces of small pictures, too, as those of a video.
        groups: Table of attributes, see `read_attributes`; pictures without a name in their data set have
            their number in the part, from 0.
        on_event: Told how far it is.
        check: Says what becomes of pictures that a network learned from; None refuses them.

    Returns:
        Figures by network; with `groups`, `GroupedFigures`.
    """
    check = check or SeenCheck()
    contempt = model != SHIPPED and any(network.labels != LABELS for network in networks_of(Path(model)))
    pictures = open_pictures(
        folder, part, truth="votes" if truth == "votes" else "original", contempt=contempt
    )
    broken = pictures.check()
    if broken:
        raise DatasetError(
            f"{folder}: {len(broken)} pictures cannot be decoded, {broken[0]} first: take them out"
        )
    attributes = None if groups is None else _attributes(groups, pictures, on_event)
    result: dict[str, LabelFigures] = {}
    for name, told, probabilities, known in answers_of(
        model, pictures, truth=truth, cut_out=cut_out, check=check, on_event=on_event
    ):
        if not known.any():
            on_event({"left out": f"{name}, which can be asked about none of the pictures"})
            continue
        names, labels = _grouped(told, pictures.labels[known])
        people = pictures.select(np.flatnonzero(known)).subjects
        figures = measure_labels(probabilities[known], labels, names, people=people)
        if attributes is not None:
            some = {attribute: list(compress(values, known)) for attribute, values in attributes.items()}
            figures = GroupedFigures(
                **vars(figures), groups=measure_attributes(probabilities[known], labels, some)
            )
        result[name] = figures
    if not result:
        raise InputError(
            f"{model} can be asked about none of the pictures of {folder}: in what is new to it no landmarks "
            "are found"
        )
    return result


def _attributes(table: Path, pictures: LabelledPictures, on_event: OnEvent) -> Attributes:
    ids = pictures.names or tuple(map(str, range(len(pictures))))
    attributes, strangers = read_attributes(table, ids)
    if strangers:
        on_event({"note": f"{len(strangers)} ids of {table} are no pictures here, {strangers[0]} first"})
    return attributes


def answers_of(
    model: str,
    pictures: LabelledPictures,
    *,
    truth: str,
    cut_out: bool = False,
    check: SeenCheck,
    on_event: OnEvent,
) -> Iterator[tuple[str, tuple[str, ...], NDArray[np.float64], NDArray[np.bool_]]]:
    """Ask what ships, or the networks of a run, about pictures; the arguments are those of `evaluate_faces`.

    Yields:
        Of each network its name, its labels, probabilities `(n, labels)`, and `(n,)`, about which of the
        pictures it can be asked.
    """
    if model == SHIPPED:
        logits = _shipped(pictures, truth, on_event, cut_out=cut_out)
        yield "shipped face network", LABELS, softmax(logits), np.ones(len(pictures), bool)
        return
    if cut_out:
        raise InputError(
            "--cut-out works with the shipped networks only: networks of a run see whole pictures"
        )
    networks = networks_of(Path(model))
    examples = Examples(pictures.digests, pictures.subjects)
    check.look(Path(model), {n.name: [n.name] for n in networks}, examples, on_event)
    wanted = any("landmarks" in network.takes for network in networks)
    landmarks = _landmarks(pictures, on_event) if wanted else None
    for network in networks:
        if network.task != "face":
            raise InputError(f"{model} holds a {network.task} network: name a run of faces")
        logits, known = _of_run(Path(model), network, pictures, landmarks, on_event)
        yield network.name, network.labels, softmax(network.scale * logits), check.kept(network.name, known)


def _shipped(
    pictures: LabelledPictures, truth: str, on_event: OnEvent, *, cut_out: bool = False
) -> NDArray[np.float32]:
    """Give the network's answer that learned from labels, or the one that learned from votes.

    Faces are cut out of pictures that are larger than a face, see `StillFaces`, or with `cut_out` of all.
    """
    from emoview.face.still import StillFaces
    from emoview.pipeline.inference import stills_in_parts
    from emoview.pipeline.models import Models

    models = Models()
    parts: list[NDArray[np.float32]] = []
    with StillFaces(smallest=0) if cut_out else StillFaces() as stills:
        answers = stills_in_parts(models.face_cnn, len(pictures), lambda i: stills.face(pictures.original(i)))
        for embeddings, logits in answers:
            parts.append(models.face_votes.predict_on_batch(embeddings) if truth == "votes" else logits)
            on_event({"step": sum(map(len, parts)), "of": len(pictures)})
    if stills.missed:
        on_event({"no face found in": f"{stills.missed} pictures, which were taken as they are"})
    return np.concatenate(parts)


def _of_run(
    run: Path,
    network: NetworkOfRun,
    pictures: LabelledPictures,
    landmarks: NDArray[np.float32] | None,
    on_event: OnEvent,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Give logits `(n, labels)`, and for which pictures there is what the network takes."""
    model = load_network(run, network)
    size = network.size or FACE_SIZE
    logits = np.zeros((len(pictures), len(network.labels)), np.float32)
    if "landmarks" not in network.takes:
        landmarks = None
    known = np.ones(len(pictures), bool) if landmarks is None else np.isfinite(landmarks[:, 0, 0])
    for start in range(0, len(pictures), _BATCH):
        end = min(start + _BATCH, len(pictures))
        every: dict[str, Any] = {
            "landmarks": None if landmarks is None else np.nan_to_num(landmarks[start:end])
        }
        if "pictures" in network.takes:
            faces = [pictures.picture(i, size=size, colour=network.colour) for i in range(start, end)]
            every["pictures"] = np.stack(faces).reshape(end - start, size, size, -1).astype(np.float32) / 255
        inputs = [_filled(every[what]) for what in network.takes.split("+")]
        answer = model.predict_on_batch(inputs[0] if len(inputs) == 1 else inputs)
        logits[start:end] = np.asarray(answer)[: end - start]
        on_event({"step": end, "of": len(pictures)})
    return logits, known


def _filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fill up the last batch, so that nothing is compiled twice."""
    return np.concatenate([values, np.zeros((_BATCH - len(values), *values.shape[1:]), np.float32)])


def _landmarks(pictures: LabelledPictures, on_event: OnEvent) -> NDArray[np.float32]:
    from emoview.face.find import FaceFinder
    from emoview.face.ibug import landmarks_of_crop

    result = np.full((len(pictures), 68, 2), np.nan, np.float32)
    with FaceFinder(max_faces=1, stills=True) as finder:
        for i in range(len(pictures)):
            points = landmarks_of_crop(finder, pictures.picture(i, size=FACE_SIZE))
            if points is not None:
                result[i] = points
            on_event({"step": i + 1, "of": len(pictures)})
    return result


def _grouped(names: tuple[str, ...], labels: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Name the true labels as a network does that tells 8, 7, 3 or 2 apart."""
    counts: dict[int, TaughtCount] = {8: 8, 7: 7, 3: 3}
    count = counts.get(len(names), 2)
    known = LABELS if count == 7 else FACE_LABELS
    position = np.array([names.index(group_of(label, count)) for label in known])
    return names, position[labels]
