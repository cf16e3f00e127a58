"""Measure who is who in scenes of several people with cuts, of people from whom nothing was learned.

    python -m benchmarks.scenes DATA [-o DIR] [--each 10]

DATA holds `clips` and `faces7` (docs/training.md).  A scene of 24 s shows two to four actors in turn, one a
shot of 1.2 to 3.2 s, each by a camera of their own, which now and then moves: framing, light and colours
differ.  What tells faces apart is fitted anew for each scene, without its actors.  Printed is the share of
ticks with a face that have the right person, and whether the number of persons is right.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from benchmarks.clips import _ffmpeg
from emoview import Options
from emoview.datasets.clips import ClipFile, read_clip_index
from emoview.errors import EmoviewError
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.networks.sizes import FACE_MAPS
from emoview.pipeline.analysis import analyze
from emoview.pipeline.loading import models_for
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.results import Analysis
from emoview.training.persons import Looks, fit_identity, looks_of, pooled_maps, principal_directions
from emoview.training.pictures import read_faces7

_SECONDS = 24
_SHOT = 30, 80
_SIZE = 480, 360


@dataclass
class Camera:
    """Shows clips in one framing, light and colour."""

    zoom: float
    right: float
    down: float
    gain: float
    gamma: float
    tint: NDArray[np.float64]

    @staticmethod
    def drawn(rng: np.random.Generator) -> Camera:
        """Set one up somewhere."""
        right, down = rng.uniform(-0.5, 0.5, 2)
        return Camera(
            rng.uniform(1, 1.35), right, 0.6 * down, rng.uniform(0.75, 1.2), rng.uniform(0.85, 1.2),
            rng.uniform(0.94, 1.06, 3),
        )  # fmt: skip

    def show(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give what it sees of `(height, width, 3)`."""
        height, width = picture.shape[:2]
        scale = np.array(_SIZE) * self.zoom / (width, height)
        hidden = (1 - 1 / self.zoom) / 2 * np.array([width, height])
        left, top = hidden * (1 + np.array([self.right, self.down]))
        matrix = np.array([[scale[0], 0, -left * scale[0]], [0, scale[1], -top * scale[1]]])
        framed = cv2.warpAffine(picture, matrix, _SIZE, borderMode=cv2.BORDER_REPLICATE)
        lit = np.clip(framed / 255 * self.tint, 0, 1) ** self.gamma * self.gain
        return np.asarray(255 * np.clip(lit, 0, 1), np.uint8)


class Layer:
    """The layer that tells whose a face is, as the pipeline runs it."""

    def __init__(self, kernel: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
        self._kernel, self._bias = kernel, bias
        self.asked = 0

    def predict_on_batch(self, maps: Any) -> NDArray[np.float32]:
        """Give `(n, 128)` for maps `(n, 6, 6, 128)`."""
        self.asked += len(maps)
        return np.asarray(pooled_maps(maps) @ self._kernel + self._bias, np.float32)


def main() -> None:
    """Build, analyse and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--each", type=int, default=10, help="Scenes of two, of three, and of four people.")
    arguments = parser.parse_args()
    if not (arguments.data / "clips" / "index.csv").is_file():
        sys.exit(f"{arguments.data} lacks clips/index.csv: name the folder with the data")
    arguments.output.mkdir(parents=True, exist_ok=True)
    clips = read_clip_index(arguments.data / "clips")
    options = Options(modality="face", face="all", device="cpu")
    _, models = models_for(options)
    looks = _looks(clips, models.face_maps, arguments.output / "looks.npz")
    directions = principal_directions(
        read_faces7(arguments.data / "faces7", "valid").images, models.face_maps
    )
    rows = []
    for number in range(3 * arguments.each):
        film, truth, actors = build(number, clips, arguments.output)
        others = ~np.isin(looks.people, actors)
        known = Looks(looks.people[others], looks.clips[others], looks.maps[others])
        # In place of the shipped one, which knows these actors: analyses with the same options share it.
        models.__dict__["face_identity"] = layer = Layer(*fit_identity(known, directions))
        row = measure(analyze(film, options=options), truth)
        assert layer.asked, "the analysis did not use the layer that was fitted for it"
        rows.append(row)
        print(number, " ".join(f"{name} {value:g}" for name, value in row.items()), flush=True)
    right = np.array([row["right, %"] for row in rows])
    counted = np.mean([row["people"] == row["found"] for row in rows])
    print(f"right {right.mean():.1f} %, median {np.median(right):.1f}; number right in {100 * counted:.0f} %")
    (arguments.output / "scenes.json").write_text(json.dumps(rows, indent=1) + "\n")


def build(number: int, clips: Sequence[ClipFile], folder: Path) -> tuple[Path, NDArray[np.int64], list[str]]:
    """Build a scene: a film without sound, who is seen in each tick, and the actors."""
    rng = np.random.default_rng((77, number))
    known = sorted({str(clip.actor) for clip in clips})
    actors = [str(actor) for actor in rng.choice(known, 2 + number % 3, replace=False)]
    cameras = [Camera.drawn(rng) for _ in actors]
    raw, film = folder / f"scene-{number}.rgb", folder / f"scene-{number}.mp4"
    truth: list[int] = []
    who = -1
    with raw.open("wb") as content:
        while len(truth) < _SECONDS * TICK_HZ:
            who = int(rng.choice([i for i in range(len(actors)) if i != who]))
            if rng.random() < 0.3:
                cameras[who] = Camera.drawn(rng)
            own = [clip.path for clip in clips if clip.actor == actors[who]]
            shot = _shot(own[rng.integers(len(own))], rng)
            for picture in shot:
                content.write(cameras[who].show(picture).tobytes())
            truth += [who] * len(shot)
    _ffmpeg(
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{_SIZE[0]}x{_SIZE[1]}", "-r", TICK_HZ, "-i", raw,
        "-c:v", "libx264", "-preset", "veryfast", "-crf", 20, "-pix_fmt", "yuv420p", film,
    )  # fmt: skip
    raw.unlink()
    return film, np.array(truth), actors


def measure(result: Analysis, truth: NDArray[np.int64]) -> dict[str, float]:
    """Compare the persons of a result with who was seen."""
    rows = [row for row in result.timeline if row.box is not None and row.tick < len(truth)]
    people, one = np.unique([truth[row.tick] for row in rows], return_inverse=True)
    persons, other = np.unique([row.person for row in rows], return_inverse=True)
    shared = np.zeros((len(people), len(persons)))
    np.add.at(shared, (one, other), 1)
    right = shared[linear_sum_assignment(-shared)].sum() / max(1, len(rows))
    return {
        "right, %": round(float(100 * right), 1),
        "people": len(np.unique(truth)),
        "found": len(persons),
        "with a face, %": round(100 * len({row.tick for row in rows}) / len(truth), 1),
    }


def _looks(clips: Sequence[ClipFile], maps: Any, file: Path) -> Looks:
    if not file.exists():
        looks = looks_of(clips, maps)
        np.savez(file, people=looks.people, clips=looks.clips, maps=looks.maps)
    stored = np.load(file)
    assert stored["maps"].shape[1] == 9 * FACE_MAPS[-1]
    return Looks(stored["people"], stored["clips"], stored["maps"])


def _shot(path: Path, rng: np.random.Generator) -> NDArray[np.uint8]:
    with PictureDecoder(probe(path), longest_side=_SIZE[0]) as decoder:
        pictures = np.stack([picture for _, picture in decoder])
    length = min(len(pictures), int(rng.integers(*_SHOT)))
    start = int(rng.integers(0, len(pictures) - length + 1))
    return np.asarray(pictures[start : start + length])


if __name__ == "__main__":
    try:
        main()
    except EmoviewError as error:
        sys.exit(str(error))
