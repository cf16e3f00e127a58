"""How well landmarks are found in a data set of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.overview import pictures_of
from emoview.errors import InputError
from emoview.face.fit import DOUBTFUL, misfits
from emoview.output.plot import WIDTH, drawn
from emoview.training.systems.events import OnEvent

SAMPLE: Final = 300
_SIDE: Final = 96
_COLUMNS: Final = 8
_BAD_ROWS, _GOOD_ROWS = 3, 1


@dataclass(frozen=True, eq=False)
class Sampled:
    """Pictures with their landmarks.

    Attributes:
        names: Part and picture.
        pictures: `(n, 96, 96)` grey.
        landmarks: `(n, 68, 2)`, x and y in pixels of these; NaN where no face was found.
        scores: `(n,)`, see `misfits`.
    """

    names: tuple[str, ...]
    pictures: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    scores: NDArray[np.float64]

    @property
    def found(self) -> int:
        """Pictures with a face."""
        return int(np.isfinite(self.scores).sum())

    @property
    def doubtful(self) -> int:
        """Of them, those whose landmarks are doubtful."""
        return int((self.scores > DOUBTFUL).sum())


def sample_landmarks(folder: Path, *, seed: int = 0, on_event: OnEvent) -> Sampled:
    """Find the landmarks in up to 300 pictures of a data set of faces, drawn at random.

    Raises:
        InputError: No face is found in any.
        DatasetError: It is no data set of faces, or a picture cannot be decoded.
    """
    from emoview.face.find import FaceFinder
    from emoview.face.ibug import points_of_crop

    every = [(name, part, i) for name, part in pictures_of(folder) for i in range(len(part))]
    drawn_ones = np.random.default_rng(seed).permutation(len(every))[:SAMPLE]
    chosen = [every[i] for i in sorted(drawn_ones)]
    pictures = np.stack([part.picture(i, size=_SIDE) for _, part, i in chosen])
    landmarks = np.full((len(chosen), 68, 2), np.nan, np.float32)
    with FaceFinder(max_faces=1, stills=True) as finder:
        for number, picture in enumerate(pictures):
            points = points_of_crop(finder, picture)
            if points is not None:
                landmarks[number] = points
            on_event({"step": number + 1, "of": len(chosen)})
    scores = misfits(landmarks)
    if not np.isfinite(scores).any():
        raise InputError(f"no face is found in the pictures of {folder}: there are no landmarks to draw")
    return Sampled(tuple(_name(*one) for one in chosen), pictures, landmarks, scores)


def _name(part: str, pictures: LabelledPictures, index: int) -> str:
    return f"{part}: {pictures.name_of(index) if pictures.names is None else pictures.names[index]}"


def plot_landmarks(sampled: Sampled, path: Path) -> bytes:
    """Draw the landmarks with the highest scores, then those with the lowest, as the picture at `path`.

    Raises:
        OutputError: The suffix is no picture's.
    """
    order = [int(i) for i in np.argsort(-sampled.scores) if np.isfinite(sampled.scores[i])]
    good = min(_GOOD_ROWS * _COLUMNS, len(order) // 2)
    bad = order[: len(order) - good][: _BAD_ROWS * _COLUMNS]
    return drawn(lambda: _figure(sampled, bad, order[len(order) - good :][::-1]), path)


def _figure(sampled: Sampled, bad: Sequence[int], good: Sequence[int]) -> Any:
    from matplotlib.figure import Figure

    rows = [some[start : start + _COLUMNS] for some in (bad, good) for start in range(0, len(some), _COLUMNS)]
    figure: Any = Figure(figsize=(WIDTH, 0.35 + 1.15 * len(rows)), layout="constrained")
    figure.suptitle(
        f"the worst and, in the last row, the best of {sampled.found} faces; {sampled.doubtful} above "
        f"{DOUBTFUL} are doubtful",
        fontsize=8,
    )
    axes = figure.subplots(len(rows), _COLUMNS, squeeze=False)
    for row, some in zip(axes, rows, strict=True):
        for axis in row:
            axis.axis("off")
        for axis, i in zip(row, some, strict=False):
            points, side = sampled.landmarks[i], sampled.pictures.shape[1]
            axis.imshow(sampled.pictures[i], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axis.scatter(*points.T, s=1.6, color="#00FF66", linewidths=0, clip_on=False)
            # Landmarks of a face that is cut off lie beside the picture.
            low, high = min(-0.5, points.min() - 2), max(side - 0.5, points.max() + 2)
            axis.set_xlim(low, high)
            axis.set_ylim(high, low)
            score = sampled.scores[i]
            axis.set_title(
                f"{score:.2f}", fontsize=7, pad=2, color="#D55E00" if score > DOUBTFUL else "black"
            )
    return figure
