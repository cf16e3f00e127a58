"""Searching options of every system: by folds, and with several seeds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from made_data import write

from emoview import InputError
from emoview.cli import render_training
from emoview.cli.console import Terminal
from emoview.datasets.labelled import LabelledPictures
from emoview.errors import DatasetError
from emoview.networks.runs import Run
from emoview.training.search import search
from emoview.training.systems import affect, clip_fusion, image_landmark, pictures
from emoview.training.systems.catalog import SYSTEMS, System
from emoview.training.systems.clip_sequences import Sequences
from emoview.training.systems.folds import best_network, picture_folds
from emoview.training.systems.options import PictureOptions


def quiet(_: Any) -> None:
    pass


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two labels, and a part that is measured in the end."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for part, count in (("train", 16), ("valid", 2)):
        for label in ("happy", "sad"):
            (folder / part / label).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
                image[: 24 if label == "sad" else 48] += 120
                cv2.imwrite(str(folder / part / label / f"{i}.png"), image)
    return folder


def _system(figures: Any, data: str = "faces") -> System:
    """A system whose figures follow from its options."""

    class Made(System):
        cross_validated = property(lambda _: lambda options, *_: figures(options))
        train = property(lambda _: pytest.fail)

    return Made("made", data, "", "pictures", PictureOptions, {})


def test_seeds_have_a_mean_and_a_deviation(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    asked = []

    def figures(options: PictureOptions) -> tuple[float, ...]:
        asked.append(options.seed)
        return (options.batch + options.seed, options.batch - options.seed + 2.0 * options.seed)

    rows = search(
        _system(figures), tmp_path, {"batch": [10, 20]}, tmp_path / "s", draws=None, seed=1, folds=2, seeds=3,
        changes={"seed": 4}, on_event=quiet,
    )  # fmt: skip
    assert asked == [4, 5, 6, 4, 5, 6]
    assert [row["options"]["batch"] for row in rows] == [20, 10]
    assert rows[0] == {
        "options": {"batch": 20}, "run": str(tmp_path / "s" / "batch=20"), "figure": 25.0, "deviation": 1.0,
        "folds": [24, 24, 25, 25, 26, 26], "seeds": [24, 25, 26],
    }  # fmt: skip
    assert json.loads((tmp_path / "s" / "search.json").read_text()) == rows
    monkeypatch.setenv("COLUMNS", "200")
    render_training.ranking(Terminal(), rows, "accuracy, %")
    assert ["batch", "20", "25.00", "1.00"] in [
        line.split()[:4] for line in capfd.readouterr().out.splitlines()
    ]


def test_without_seeds_the_deviation_is_that_of_the_folds(tmp_path: Path):
    rows = search(
        _system(lambda _: (1.0, 3.0), "clips"), tmp_path, {}, tmp_path / "s", draws=None, seed=1, changes={},
        on_event=quiet,
    )  # fmt: skip
    assert (rows[0]["figure"], rows[0]["deviation"], rows[0]["folds"]) == (2, pytest.approx(2**0.5), [1, 3])
    assert "seeds" not in rows[0]


def test_options_that_fail_do_not_end_a_search(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def figures(options: PictureOptions) -> tuple[float, ...]:
        if options.batch == 10:
            raise InputError("the loss is not a number any more: use a lower learning rate")
        return 1.0, 2.0 + options.batch

    def searched(batches: list[int]) -> list[dict[str, Any]]:
        return search(
            _system(figures), tmp_path, {"batch": batches}, tmp_path / "s", draws=None, seed=1, folds=2,
            changes={}, on_event=quiet,
        )  # fmt: skip

    rows = searched([20, 10, 30])
    assert [(row["options"]["batch"], row["figure"]) for row in rows] == [(30, 16.5), (20, 11.5), (10, None)]
    assert rows[2]["failed"].startswith("the loss is not a number")
    assert json.loads((tmp_path / "s" / "search.json").read_text()) == rows
    # Of what failed there is no run, so that it can be tried with other options.
    assert not (tmp_path / "s" / "batch=10").exists()
    monkeypatch.setenv("COLUMNS", "200")
    render_training.ranking(Terminal(), rows, "accuracy, %")
    assert ["batch", "10", "failed"] in [line.split()[:3] for line in capfd.readouterr().out.splitlines()]
    with pytest.raises(InputError, match="the loss is not a number"):
        searched([10])


def test_figures_of_other_options_are_not_taken_over(tmp_path: Path):
    def learned(_: Any, __: Any, run: Run, *___: Any) -> tuple[float, ...]:
        write(run.folder / "made-2-folds" / "1" / "history.json", "[]")
        return 1.0, 2.0

    class Made(System):
        cross_validated = property(lambda _: learned)

    made = Made("made", "faces", "", "pictures", PictureOptions, {})

    def searched(**changes: Any) -> None:
        search(
            made, tmp_path, {"batch": [20, 30]}, tmp_path / "s", draws=None, seed=1, folds=2,
            changes=changes, on_event=quiet,
        )  # fmt: skip

    searched()
    searched()
    with pytest.raises(InputError, match="another config"):
        searched(network="bkmin")


def test_a_search_that_is_stopped_says_what_is_done(tmp_path: Path):
    def figures(options: PictureOptions) -> tuple[float, ...]:
        if options.batch == 20:
            raise KeyboardInterrupt
        return 1.0, 2.0

    with pytest.raises(KeyboardInterrupt, match="1 of 2 combinations are done; the same command goes on"):
        search(
            _system(figures), tmp_path, {"batch": [10, 20]}, tmp_path / "s", draws=None, seed=1, folds=2,
            changes={}, on_event=quiet,
        )  # fmt: skip
    assert not (tmp_path / "s" / "batch=20").exists()
    assert len(json.loads((tmp_path / "s" / "search.json").read_text())) == 1


def test_a_grid_of_seeds_and_seeds_are_too_many(tmp_path: Path):
    with pytest.raises(InputError, match="the grid tries seeds"):
        search(
            SYSTEMS["frame-cnn"], tmp_path, {"seed": [1, 2]}, tmp_path, draws=None, seed=1, seeds=2,
            changes={}, on_event=quiet,
        )  # fmt: skip


def test_an_empty_grid_tries_what_is_set(tmp_path: Path):
    """Such as one set of options with several seeds: all runs lie in the folder of the search."""
    rows = search(
        _system(lambda options: (float(options.seed),)), tmp_path, {}, tmp_path / "s", draws=None, seed=1,
        folds=2, seeds=2, changes={}, on_event=quiet,
    )  # fmt: skip
    assert rows[0]["seeds"] == [1, 2]
    assert rows[0]["run"] == str(tmp_path / "s" / "as-set")
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


def test_every_system_can_be_cross_validated():
    assert all(callable(system.cross_validated) for system in SYSTEMS.values())
    assert SYSTEMS["valence-arousal"].ranked_by == "mean CCC"
    assert SYSTEMS["clip-fusion"].ranked_by == "accuracy, %"


def test_folds_of_pictures_keep_people_and_duplicates_together():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (8, 8), dtype=np.uint8) for _ in range(60)]
    images[3] = images[33]
    people = tuple(str(i // 3) for i in range(60))
    made = LabelledPictures("made", tuple(images), np.arange(60) % 3, subjects=people)
    known = np.arange(54)
    seen = []
    for parts in picture_folds(made, known, 3, 1):
        assert np.array_equal(np.sort(np.concatenate(parts)), known)
        assert min(map(len, parts)) > 0
        persons = [{people[i] for i in part} for part in parts]
        assert not persons[0] & persons[1] | persons[0] & persons[2] | persons[1] & persons[2]
        assert sum(bool({3, 33} & set(part.tolist())) for part in parts) == 1
        seen += parts[2].tolist()
    assert sorted(seen) == known.tolist()


def test_the_best_network_counts():
    assert best_network({"one": [50.0, 70.0], "two": [90.0, 40.0]}, quiet) == (90, 40)


def test_pictures_are_ranked_by_folds(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left_out: list[int] = []

    def learn(part: str, _: Any, groups: Any, __: Any, parts: Any, options: PictureOptions, *___: Any) -> Any:
        assert part.startswith("frame-cnn-4-folds/")
        left_out.extend(parts[2].tolist())
        return groups, options.batch

    def predicted(model: Any, _: Any, chosen: Any) -> Any:
        groups, batch = model
        return np.eye(7)[(groups[chosen] + (batch == 1)) % 7]

    monkeypatch.setattr(pictures, "_learn", learn)
    monkeypatch.setattr(pictures, "predicted", predicted)
    rows = search(
        SYSTEMS["frame-cnn"], faces, {"batch": [1, 2]}, tmp_path, draws=None, seed=1, folds=4, changes={},
        on_event=quiet,
    )  # fmt: skip
    assert [(row["options"]["batch"], row["folds"]) for row in rows] == [(2, [100.0] * 4), (1, [0.0] * 4)]
    # The part that is measured in the end, behind the others, is left out.
    assert sorted(left_out) == sorted([*range(32), *range(32)])
    assert not (Path(rows[0]["run"]) / "metrics.json").exists()


def test_image_landmark_is_ranked_by_its_best_network(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    left_out: list[int] = []

    def networks(prefix: str, _: Any, parts: Any, *__: Any) -> Any:
        left_out.extend(parts[2].tolist())
        yield "nn1", ("pictures",), 1
        yield "nn2", ("landmarks",), prefix

    def logits(model: Any, inputs: Any, _: Any, index: Any) -> Any:
        right = inputs.labels[index]
        return np.eye(7)[right if model == 1 else (right + 1) % 7]

    looked: list[int] = []

    def landmarks(images: Any, _: Any) -> Any:
        looked.append(len(images))
        return np.ones((len(images), 68, 2), np.float32)

    monkeypatch.setattr(image_landmark, "_landmarks", landmarks)
    monkeypatch.setattr(image_landmark, "_networks", networks)
    monkeypatch.setattr(image_landmark, "_logits", logits)
    rows = search(
        SYSTEMS["image-landmark"], faces, {"batch": [8, 16]}, tmp_path / "s", draws=None, seed=1, folds=3,
        changes={}, on_event=quiet,
    )  # fmt: skip
    assert [row["folds"] for row in rows] == [[100, 100, 100]] * 2
    # A tenth of the 36 pictures is measured in the end, and left out of the folds.
    assert len(left_out) == 2 * len(set(left_out)) == 2 * 32
    # Landmarks are looked for once, whatever is tried.
    assert looked == [36]


def test_values_are_ranked_by_concordance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    lines = ["frame,valence,arousal,video"]
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((8, 8, 3), i, np.uint8))
        lines.append(f"{i}.png,{i / 12},{-i / 24},{i // 3}")
    (tmp_path / "t.csv").write_text("\n".join(lines))

    def learn(_: str, data: Any, known: Any, asked: Any, *__: Any) -> Any:
        assert not {data.videos[i] for i in known} & {data.videos[i] for i in asked}
        # Arousal is right, valence always the same.
        return None, np.stack([np.zeros(len(asked)), data.values[asked, 1]], axis=1)

    monkeypatch.setattr(affect, "_learn", learn)
    rows = search(
        SYSTEMS["valence-arousal"], tmp_path / "t.csv", {}, tmp_path / "s", draws=None, seed=1, folds=4,
        changes={"network": "bkmin"}, on_event=quiet,
    )  # fmt: skip
    assert rows[0]["folds"] == pytest.approx([0.5] * 4)


def test_a_label_that_only_one_fold_has_is_refused_before_a_search_learns(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "faces"
    shutil.copytree(faces, folder)
    (folder / "train" / "fear").mkdir()
    cv2.imwrite(str(folder / "train" / "fear" / "0.png"), np.full((48, 48), 7, np.uint8))
    monkeypatch.setattr(
        image_landmark, "_landmarks", lambda images, _: np.ones((len(images), 68, 2), np.float32)
    )
    for system, module in (("frame-cnn", pictures), ("image-landmark", image_landmark)):
        monkeypatch.setattr(module, "_learn", lambda *_: pytest.fail("it learned"))
        with pytest.raises(DatasetError, match="shows fear"):
            search(
                SYSTEMS[system], folder, {}, tmp_path / system, draws=None, seed=1, folds=4, changes={},
                on_event=quiet,
            )  # fmt: skip


@pytest.mark.parametrize(("parts", "asked"), [((None,) * 8, 8), (("train",) * 6 + ("valid",) * 2, 6)])
def test_clips_are_ranked_by_folds_of_actors(
    parts: Any, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clips = Sequences(
        (np.zeros((2, 106), np.float32),) * 8, np.zeros((8, 6373), np.float32), np.arange(8) % 2,
        tuple("aabbccdd"), parts,
    )  # fmt: skip
    seen: dict[str, list[int]] = {}

    def learn(name: str, _: Any, clips: Any, split: Any, *__: Any) -> Any:
        assert not {clips.actors[i] for i in split[0]} & {clips.actors[i] for i in split[1]}
        seen.setdefault(name.split("-2-")[0], []).extend(split[1].tolist())
        return name

    def logits(model: Any, clips: Any, index: Any, _: Any) -> Any:
        return np.eye(7)[(clips.labels[index] + ("functionals" in model)) % 7]

    monkeypatch.setattr(clip_fusion, "read_clips", lambda *_, **__: [])
    monkeypatch.setattr(clip_fusion, "sequences_of", lambda *_: clips)
    monkeypatch.setattr(clip_fusion, "_learn", learn)
    monkeypatch.setattr(clip_fusion, "_logits", logits)
    rows = search(
        SYSTEMS["clip-fusion"], tmp_path, {}, tmp_path / "s", draws=None, seed=1, folds=2,
        changes={"networks": ["functionals-dnn", "visual-gru"]}, on_event=quiet,
    )  # fmt: skip
    assert rows[0]["folds"] == [100, 100]
    assert {name: sorted(index) for name, index in seen.items()} == {
        name: list(range(asked)) for name in ("functionals-dnn", "visual-gru")
    }
