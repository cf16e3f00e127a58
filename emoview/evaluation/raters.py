"""What people and networks make of the same pictures: the ceiling that raters set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import RATED
from emoview.datasets.pictures import open_pictures
from emoview.errors import DatasetError, InputError
from emoview.evaluation.faces import answers_of
from emoview.evaluation.seen import SeenCheck
from emoview.metrics.figures import RaterFigures
from emoview.metrics.raters import measure_raters
from emoview.timeline.labels import CONTEMPT, FACE_LABELS, GROUPS, TaughtCount, group_of
from emoview.training.systems.events import OnEvent

_COUNTS: tuple[TaughtCount, ...] = (8, 7, 3, 2)


def evaluate_raters(
    model: str,
    folder: Path,
    part: str | None,
    *,
    cut_out: bool = False,
    check: SeenCheck | None = None,
    on_event: OnEvent,
) -> dict[str, RaterFigures]:
    """Measure raters of pictures against each other, and networks on the same pictures and truth.

    Of three and two labels, contempt is negative, or other; of seven it is none of them.  A network of eight
    labels is measured in eight, too; of seven it says the most probable of these.

    Args:
        model: `shipped`, whose answer that learned from votes is asked, or a run folder.
        folder: FER2013 with the votes of FER+.
        part: Of the data set; None where there is only one.
        cut_out: As in `evaluate_faces`.
        check: As in `evaluate_faces`.
        on_event: Told how far it is.

    Returns:
        Figures by network and number of labels.
    """
    pictures = open_pictures(folder, part, truth="raters")
    if pictures.counts is None:
        raise DatasetError(f"{folder} has no votes of raters: add those of FER+")
    result = {}
    for name, labels, probabilities, known in answers_of(
        model, pictures, truth="votes", cut_out=cut_out, check=check or SeenCheck(), on_event=on_event
    ):
        if not known.any():
            raise InputError(f"{name} can be asked about none of the pictures of {folder}")
        for count in _COUNTS:
            if count <= len(labels):
                groups = GROUPS[count]
                said = (probabilities[known] @ _groups_of(labels, count)).argmax(axis=1)
                counts = _counts(pictures.counts[known], count)
                result[f"{name}, {count} labels"] = measure_raters(counts, said, groups)
    return result


def _groups_of(labels: tuple[str, ...], count: TaughtCount) -> NDArray[np.float64]:
    """Give `(labels, count)`: which of 8, 7, 3 or 2 labels each label of a network belongs to."""
    groups = GROUPS[count]
    members = np.zeros((len(labels), count))
    for row, label in zip(members, labels, strict=True):
        group = group_of(label, count) if label in FACE_LABELS else label
        if group in groups:
            row[groups.index(group)] = 1
        elif group != CONTEMPT:
            # What is neither a label nor a group, such as `negative`, is no positive one of two labels.
            row[-1] = 1
    return members


def _counts(counts: NDArray[Any], count: TaughtCount) -> NDArray[np.float64]:
    """Add up the counts `(n, 10)` of each group, and keep what belongs to none beside them."""
    groups = list(GROUPS[count])
    names = [group_of(n, count) if n in FACE_LABELS else n for n in RATED]
    kinds = [*groups, *(n for n in dict.fromkeys(names) if n not in groups)]
    return np.asarray(counts @ np.array([[float(n == kind) for kind in kinds] for n in names]))
