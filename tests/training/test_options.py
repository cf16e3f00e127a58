"""Options of the systems: wrong ones are refused in one sentence, before anything is read or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emoview import InputError
from emoview.training.options import configured
from emoview.training.plan import Plan
from emoview.training.search import search
from emoview.training.systems.catalog import SYSTEMS, System, system_named
from emoview.training.systems.options import PictureOptions
from tests.made_up import made_up_run


def refusal(system: str, changes: dict[str, Any]) -> str:
    with pytest.raises(InputError) as caught:
        SYSTEMS[system].check(SYSTEMS[system].options(changes, "--set"))
    said = str(caught.value)
    assert "\n" not in said
    assert "\x1b" not in said
    return said


def test_options_are_checked():
    with pytest.raises(InputError, match="no option 'netwrk'"):
        SYSTEMS["frame-cnn"].options({"netwrk": "frame-cnn"})
    with pytest.raises(InputError, match="epochs: 'many' is not a whole number, at least 1 and at most"):
        configured(Plan(1, 1.0), {"epochs": "many"}, "file")
    with pytest.raises(InputError, match="no system"):
        system_named("nothing")


def test_every_system_has_options():
    for system in SYSTEMS.values():
        assert system.options({"seed": 5}).seed == 5


@pytest.mark.parametrize(
    ("system", "changes", "said"),
    [
        ("frame-cnn", {"labels": 5}, "labels: '5' is not one of 8, 7, 3, 2"),
        ("frame-cnn", {"loss": "svm"}, "loss: 'svm' is not one of cross-entropy, hinge"),
        (
            "frame-cnn",
            {"plan": {"schedule": "cosin"}},
            "plan: schedule: 'cosin' is not one of constant, step, plateau, staircase, cosine",
        ),
        ("frame-cnn", {"activation": "reluu"}, "is not one of relu, leaky_relu, elu"),
        ("frame-cnn", {"pooling": 1}, "pooling: '1' is not true or false, or null"),
        ("frame-cnn", {"plan": "cosine"}, "plan: 'cosine' is not a set of options: epochs, rate"),
        ("frame-cnn", {"network": ["bkmin"]}, "network: '[\"bkmin\"]' is not a text"),
        (
            "shallow-deep",
            {"dropout": 1},
            "dropout: '1' is not a number, at least 0 and below 1, or a list",
        ),
        ("shallow-deep", {"size": 5000}, "size: '5000' is not a whole number, at least 1 and at most 4,096"),
        ("mfcc-cnn", {"test": 0}, "test: '0' is not a number, above 0 and below 1"),
        ("cnn-gru", {"gru_depth": 1000}, "is not a whole number, at least 0 and at most 16"),
        (
            "clip-fusion",
            {"networks": ["lstm"]},
            "is not a list of which each is one of visual-gru",
        ),
        ("clip-fusion", {"networks": []}, "networks: '[]' is not a list"),
    ],
)
def test_a_wrong_value_is_told_the_right_ones(system: str, changes: dict[str, Any], said: str):
    assert said in refusal(system, changes)


@pytest.mark.parametrize(
    ("system", "changes", "said"),
    [
        ("frame-cnn", {"network": "bkmn"}, "no picture network 'bkmn'; choose one of nn1, bkstart"),
        ("frame-cnn", {"dropout": [0.05, 0.2]}, "frame-cnn takes one share of dropout"),
        ("shallow-deep", {"dropout": [0.05, 0.2]}, "dropout takes one share, or 3 of them"),
        ("shallow-deep", {"activation": "relu"}, "bkvgg12 has no option activation"),
        ("shallow-deep", {"network": "bkmin", "size": 20}, "bkmin cannot take pictures of 20 pixels"),
        ("frame-cnn", {"start": "/nowhere"}, "/nowhere does not exist: start from"),
        ("frame-cnn", {"teacher": "/nowhere"}, "/nowhere is no run folder"),
        ("frame-cnn", {"teacher": "shipped", "labels": 3}, "name one that tells the same labels"),
        ("frame-cnn", {"teacher_views": 3}, "teacher_views needs a teacher"),
        ("frame-sequences", {"labels": 8}, "clips have no contempt"),
        (
            "mfcc-cnn",
            {"network": "bkmin"},
            "no network of sound 'bkmin'; choose one of mfcc-cnn",
        ),
        ("mfcc-cnn", {"batch_norm": True}, "mfcc-cnn has no option batch_norm"),
        ("valence-arousal", {"network": "nn2"}, "no picture network 'nn2'"),
        ("valence-arousal", {"network": "face-cnn", "test": "/nowhere"}, "no /nowhere to test on"),
        ("clip-fusion", {"faces": "/nowhere"}, "/nowhere is no run folder"),
        ("clip-fusion", {"attention": True, "aggregate": "median"}, "a median knows no weights"),
        ("cnn-gru", {"attention": True, "aggregate": "median"}, "a median knows no weights"),
    ],
)
def test_what_goes_with_no_network_is_refused_before_data_are_read(
    system: str, changes: dict[str, Any], said: str
):
    assert said in refusal(system, changes)


def test_options_that_go_together_are_not_refused():
    for name in ("frame-cnn", "shallow-deep", "mfcc-cnn", "clip-fusion", "image-landmark"):
        SYSTEMS[name].check(SYSTEMS[name].options({}))


def test_faces_are_embedded_by_pictures_alone(tmp_path: Path):
    run = made_up_run(tmp_path / "run", "voice", "mfcc-means")
    assert "has no network for pictures of faces" in refusal("clip-fusion", {"faces": str(run)})


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"plan.rate": [1e-3, "x"]}, "the grid: plan: rate: 'x' is not a number"),
        ({"network": ["bkmin", "bkmn"]}, "no picture network 'bkmn'"),
        ({"bach": [8]}, "no option 'bach'"),
    ],
)
def test_a_search_looks_at_all_values_before_it_trains(tmp_path: Path, grid: dict[str, Any], said: str):
    class Made(System):
        train = property(lambda _: pytest.fail)

    made = Made("frame-cnn", "faces", "", "pictures", PictureOptions, {})
    with pytest.raises(InputError, match=said):
        search(made, tmp_path, grid, tmp_path / "s", draws=None, seed=1, changes={}, on_event=lambda _: None)
    assert not (tmp_path / "s").exists()
