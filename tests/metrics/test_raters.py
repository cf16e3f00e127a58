"""Raters against each other, and a network beside them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview import LABELS
from emoview.datasets.pictures import open_pictures
from emoview.evaluation import raters
from emoview.metrics.raters import (
    fleiss_kappa,
    krippendorff_alpha,
    leave_one_rater_out,
    measure_raters,
    measure_several,
)


def test_leaving_out_by_enumeration():
    rng = np.random.default_rng(0)
    counts = rng.multinomial(5, [0.4, 0.3, 0.2, 0.1], size=40).astype(float)
    truth, hits = leave_one_rater_out(counts, 3)
    for row, some, hit in zip(counts, truth, hits, strict=True):
        people = np.repeat(np.arange(4), row.astype(int))
        expected, right = np.zeros(4), 0.0
        for i, said in enumerate(people):
            others = np.bincount(np.delete(people, i), minlength=4)
            best = np.flatnonzero(others == others.max())
            for label in best:
                expected[label] += 1 / len(best) / len(people)
                right += (label == said and label < 3) / len(best) / len(people)
        np.testing.assert_allclose(some, expected[:3])
        assert hit == pytest.approx(right)


def test_raters_by_hand():
    # Two labels and "unknown".  Of the first picture all agree; of the second two against one.
    counts = np.array([[3.0, 0, 0], [2, 1, 0]])
    measured = measure_raters(counts, np.array([0, 1]), ("a", "b"))
    assert measured.agreement.value == pytest.approx(100 * (1 + 1 / 3) / 2, abs=0.01)
    assert measured.majority.value == pytest.approx(100 * (1 + 2 / 3) / 2, abs=0.01)
    # Left out: an a stands against a tie, twice; the b against two of a.
    assert measured.rater.value == pytest.approx(100 * (1 + (0.5 + 0.5 + 0) / 3) / 2, abs=0.01)
    assert measured.network.value == pytest.approx(100 * (1 + (0.5 + 0.5 + 0) / 3) / 2, abs=0.01)
    assert measured.gain.value == 0
    chance = (5 / 6) ** 2 + (1 / 6) ** 2
    assert measured.kappa.value == pytest.approx((2 / 3 - chance) / (1 - chance), abs=1e-4)


def test_pictures_whose_majority_is_no_label_are_not_asked_about():
    counts = np.array([[0.0, 0, 4], [4, 0, 0]])
    measured = measure_raters(counts, np.array([1, 0]), ("a", "b"))
    assert (measured.rater.value, measured.network.value) == (100, 100)


@pytest.fixture
def voted(tmp_path: Path) -> Path:
    """Three pictures: a majority, a tie, and most for contempt; and one with a single vote."""
    words = (
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    )
    votes = (
        {"happiness": 9, "contempt": 1},
        {"sadness": 5, "fear": 5},
        {"contempt": 6, "anger": 4},
        {"anger": 1},
    )
    lines = ["image,label," + ",".join("votes_" + word for word in words)]
    with zipfile.ZipFile(tmp_path / "valid.zip", "w") as archive:
        for i, given in enumerate(votes):
            picture = cv2.imencode(".png", np.full((48, 48), 50 * i, np.uint8))[1]
            archive.writestr(f"{i}.png", picture.tobytes())
            lines.append(f"{i}.png,happy," + ",".join(str(given.get(word, 0)) for word in words))
    (tmp_path / "valid.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_votes_of_raters_are_read_whole(voted: Path):
    pictures = open_pictures(voted, truth="raters")
    assert pictures.names == ("0.png", "1.png", "2.png")
    assert pictures.counts is not None
    assert pictures.counts.sum(axis=1).tolist() == [10, 10, 10]
    assert pictures.counts[2, LABELS.index("anger")] == 4
    assert pictures.counts[2, 7] == 6
    assert len(open_pictures(voted, truth="votes")) == 2  # Of one vote, too, most are for one.
    assert pictures.select([2]).counts is not None


def test_ceiling_in_seven_three_and_two_labels(voted: Path, monkeypatch: pytest.MonkeyPatch):
    said = np.eye(7)[[LABELS.index(label) for label in ("happy", "fear", "disgust")]]

    def answers(*_: object, **__: object) -> object:
        yield "made", LABELS, said, np.ones(3, bool)

    monkeypatch.setattr(raters, "answers_of", answers)
    found = raters.evaluate_raters("shipped", voted, None, on_event=lambda _: None)
    assert list(found) == ["made, 7 labels", "made, 3 labels", "made, 2 labels"]
    seven, three = found["made, 7 labels"], found["made, 3 labels"]
    # Of ten who tie, whoever stays has the other label.  Contempt is none of the seven.
    assert seven.rater.value == pytest.approx(100 * 0.9 / 2, abs=0.01)
    assert seven.network.value == pytest.approx(100 * (1 + 0.5) / 2, abs=0.01)
    # Of three, sadness, fear, contempt and anger are all negative, and so is disgust.
    assert three.rater.value == pytest.approx(100 * 2.9 / 3, abs=0.01)
    assert three.network.value == 100


@pytest.mark.parametrize(
    ("labels", "count", "expected"),
    [
        (("neutral", "negative", "positive"), 3, ["neutral", "negative", "positive"]),
        (("neutral", "negative", "positive"), 2, ["other", "other", "positive"]),
        (("other", "positive"), 2, ["other", "positive"]),
        (LABELS, 2, ["other"] * 4 + ["positive"] + ["other"] * 2),
    ],
)
def test_groups_of_networks_that_tell_fewer_labels(labels: tuple[str, ...], count: int, expected: list[str]):
    from emoview.timeline.labels import GROUPS

    members = raters._groups_of(labels, count)
    assert [GROUPS[count][i] for i in members.argmax(axis=1)] == expected


def test_fleiss_kappa_of_a_worked_example():
    # The worked example of the Wikipedia article: ten subjects, fourteen raters.
    rows = (
        "0 0 0 0 14;0 2 6 4 2;0 0 3 5 6;0 3 9 2 0;2 2 8 1 1;7 7 0 0 0;3 2 6 3 0;2 5 3 2 2;6 5 2 1 0;0 2 2 3 7"
    )
    counts = np.array([[float(n) for n in row.split()] for row in rows.split(";")])
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)


def test_krippendorff_alpha_of_the_paper():
    # Example C of Krippendorff (2011): four observers, twelve units, some of them left out; alpha is 0.743.
    rows = (
        "1 2 3 3 2 1 4 1 2 0 0 0", "1 2 3 3 2 2 4 1 2 5 0 3",
        "0 3 3 3 2 3 4 2 2 5 1 0", "1 2 3 3 2 4 4 1 2 5 1 0",
    )  # fmt: skip
    labels = np.array([[int(n) - 1 for n in row.split()] for row in rows]).T
    figures = measure_several(labels, 5)
    assert figures.alpha.value == pytest.approx(0.743, abs=5e-4)
    assert figures.examples == 11
    assert krippendorff_alpha(np.array([[3.0, 0], [2, 0]])) == 0
    assert measure_several(labels[:, :1], 5) is None
