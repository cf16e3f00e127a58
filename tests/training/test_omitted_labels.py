"""Labels of which nothing is learned (the thesis on shallow and deep networks, its section 8.7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained import quiet, trained

from emoview import InputError
from emoview.timeline.labels import FACE_LABELS
from emoview.training.search import search
from emoview.training.systems import pictures
from emoview.training.systems.catalog import system_named

SMALL = {"network": "bkmin", "batch": 16, "plan": {"epochs": 1}}
SURPRISE = FACE_LABELS.index("surprise")


def _shown(faces: Path, **changes: Any) -> list[set[int]]:
    shown, parts = pictures.opened(system_named("shallow-deep").options(changes), faces)
    return [set(shown.labels[part].tolist()) for part in parts]


def test_they_are_measured_all_the_same(faces: Path):
    every = set(range(7))
    assert _shown(faces) == [every] * 3
    for omit in ("surprise", ["surprise"]):
        assert _shown(faces, omit=omit) == [every - {SURPRISE}, every - {SURPRISE}, every]
    assert _shown(faces, omit=["sad", "surprise"])[0] == every - {SURPRISE, FACE_LABELS.index("sad")}


@pytest.mark.parametrize("labels", [3, 7])
def test_a_network_learns_without_them(faces: Path, tmp_path: Path, labels: int):
    run = trained("shallow-deep", faces, tmp_path / "run", **SMALL, labels=labels, omit="surprise")
    figures = json.loads((run / "metrics.json").read_text())["bkmin"]
    assert figures["examples"] == 42
    assert json.loads((run / "run.json").read_text())["config"]["omit"] == "surprise"


def test_what_others_lack_is_still_refused(faces: Path, tmp_path: Path):
    every = [name for name in FACE_LABELS[:7] if name != "happy"]
    with pytest.raises(InputError, match="two labels are needed"):
        trained("shallow-deep", faces, tmp_path / "run", **SMALL, omit=every)
    with pytest.raises(InputError, match=r"omit: 'surprised' is not .*surprise"):
        system_named("shallow-deep").options({"omit": "surprised"})


def test_contempt_is_none_of_seven():
    system = system_named("shallow-deep")
    for omit in ("contempt", ["sad", "contempt"]):
        with pytest.raises(InputError, match="contempt is none of the seven"):
            system.check(system.options({"omit": omit}))
        system.check(system.options({"omit": omit, "labels": 3}))


def test_a_search_does_not_prefer_to_omit(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What is hard to tell must not be gone from what ranks."""
    shown: list[tuple[bool, ...]] = []

    def learn(_: str, __: Any, groups: Any, ___: Any, parts: Any, *____: Any) -> Any:
        shown.append(tuple(SURPRISE in groups[part] for part in (parts[0], parts[2])))
        return groups

    monkeypatch.setattr(pictures, "_learn", learn)
    monkeypatch.setattr(pictures, "predicted", lambda groups, _, chosen: np.eye(7)[groups[chosen]])
    system, grid = system_named("shallow-deep"), {"omit": [[], "surprise"]}
    shared: dict[str, Any] = {"draws": None, "seed": 1, "changes": SMALL, "on_event": quiet}
    with pytest.raises(InputError, match="cannot rank omit: add --folds"):
        search(system, faces, grid, tmp_path / "s", **shared)
    search(system, faces, grid, tmp_path / "s", folds=2, **shared)
    assert shown == [(True, True)] * 2 + [(False, True)] * 2


def test_sequences_leave_none_out():
    options = system_named("frame-sequences").options({"omit": "surprise", "start": None})
    with pytest.raises(InputError, match="omit is for single pictures"):
        system_named("frame-sequences").check(options)


def test_nothing_is_changed_at_random_unless_a_work_says_so():
    assert {
        name: system_named(name).options({}).augmentation
        for name in ("frame-cnn", "picture-cnn", "frame-sequences", "cnn-gru", "shallow-deep")
    } == {
        "frame-cnn": "none", "picture-cnn": "none", "frame-sequences": "none", "cnn-gru": "none",
        "shallow-deep": "resize",
    }  # fmt: skip
