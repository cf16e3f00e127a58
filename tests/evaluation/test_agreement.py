"""Agreement with annotations, against numbers known beforehand and another implementation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import made_up
from sklearn.metrics import cohen_kappa_score, f1_score
from typer.testing import CliRunner

from emoview import LABELS, InputError
from emoview.cli.console import Terminal
from emoview.cli.main import app
from emoview.cli.render_agreement import show_agreement
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import Annotation, read_all, read_annotations
from emoview.metrics.agreement import cohens_kappa, measure_agreement
from emoview.metrics.values import measure_values
from emoview.output.csv import to_csv
from emoview.output.json import to_json
from emoview.output.writers import write_results
from emoview.timeline.results import Row


def _table(folder: Path, text: str) -> list[Annotation]:
    path = folder / "a.csv"
    path.write_text(text)
    return read_annotations(path)


def test_kappa_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    annotated = random.integers(0, 7, 400)
    said = np.where(random.random(400) < 0.6, annotated, random.integers(0, 7, 400))
    figures = measure_agreement(said, annotated, LABELS)
    assert figures.kappa.value == pytest.approx(cohen_kappa_score(said, annotated), abs=1e-4)
    assert figures.kappa.low < figures.kappa.value < figures.kappa.high
    assert figures.accuracy.value == pytest.approx(100 * np.mean(said == annotated), abs=0.01)


def test_kappa_of_one_label_alone_is_no_agreement():
    assert cohens_kappa(np.array([[5, 0], [0, 0]])) == 0
    # Example of Cohen's formula: observed 0.7, by chance 0.5.
    assert cohens_kappa(np.array([[20, 5], [10, 15]])) == pytest.approx(0.4)


def test_intervals_over_seconds_are_wider_than_over_ticks():
    random = np.random.default_rng(0)
    annotated = np.repeat(random.integers(0, 3, 40), 25)
    said = np.where(np.repeat(random.random(40) < 0.6, 25), annotated, (annotated + 1) % 3)
    names = ("a", "b", "c")
    single, blocks = (measure_agreement(said, annotated, names, block=n).kappa for n in (1, 25))
    assert blocks.value == single.value
    assert blocks.high - blocks.low > 3 * (single.high - single.low)
    values = said.astype(float)
    single, blocks = (measure_values(values, annotated.astype(float), block=n).ccc for n in (1, 25))
    assert blocks.high - blocks.low > 3 * (single.high - single.low)


def test_intervals_are_as_wide_as_labels_last():
    """Of labels that last four seconds, blocks of a second hold the true kappa in half of the cases."""
    random = np.random.default_rng(0)
    rows = tuple(row for row in made_up().timeline if row.tick < 80)
    rows = tuple(replace(rows[40 * (tick // 100 % 2)], tick=tick) for tick in range(6000))
    result = replace(made_up(), timeline=rows)
    right = np.repeat(random.random(60) < 0.7, 100)
    labels = np.where(right, [row.label for row in rows], "fear")
    said = [Annotation(row.time_s, None, str(label)) for row, label in zip(rows, labels, strict=True)]
    found = measure(result, said)
    names = [LABELS.index(str(label)) for label in labels]
    ours = np.array([LABELS.index(row.label or "") for row in rows])
    seconds = measure_agreement(ours, np.array(names), LABELS, block=25).kappa
    assert (found.labels.kappa.value, found.stretches) == (seconds.value, 60)
    assert found.labels.kappa.high - found.labels.kappa.low > 1.5 * (seconds.high - seconds.low)
    # What is shorter than a second has an interval, too.
    short = measure(made_up(), [Annotation(1.2, 1.6, "happy"), Annotation(1.6, 2, "fear")]).labels.kappa
    assert short.low < short.value < short.high


def test_figures_are_not_written_over_what_is_read(tmp_path: Path):
    (tmp_path / "a.json").write_text(to_json(made_up()))
    (tmp_path / "a.csv").write_text("start_s,end_s,label\n0,1,happy\n")
    before = [file.read_bytes() for file in sorted(tmp_path.iterdir())]
    for file in ("a.json", "a.csv"):
        done = subprocess.run(
            [sys.executable, "-m", "emoview", "agree", "a.json", "a.csv", "--json", file],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "would be overwritten" in done.stderr
    assert [file.read_bytes() for file in sorted(tmp_path.iterdir())] == before


def test_a_stretch_takes_the_ticks_whose_middle_it_covers():
    assert Annotation(0, 0.04, "x", {}).ticks() == range(1)
    assert Annotation(0.03, 0.1, "x", {}).ticks() == range(1, 2)
    assert Annotation(0.021, 0.06, "x", {}).ticks() == range(1, 1)
    assert Annotation(0.02, 0.061, "x", {}).ticks() == range(2)
    assert Annotation(0.079, None, "x", {}).ticks() == range(1, 2)


@pytest.mark.parametrize(("rate", "speed"), [(None, 1), (50.0, 2)])
def test_annotations_have_the_times_of_the_recording(rate: float | None, speed: int, tmp_path: Path):
    """Also where the result is of a stretch of it, or of slow motion on the clock of its capture."""
    result = made_up()
    options = replace(result.options, capture_rate=rate)
    part = replace(result, media=replace(result.media, start_s=60.5), options=options)
    lines = [
        f"{(a + 60.5) * speed},{(b + 60.5) * speed},{label}"
        for a, b, label in ((-60.5, 0, "fear"), (0, 1.6, "happy"), (1.6, 3.2, "sad"), (3.2, 4, "neutral"))
    ]
    table = _table(tmp_path, "\n".join(["start_s,end_s,label", *lines]))
    found = measure(part, table)
    assert found.compared_ticks == 95
    assert found.labels is not None
    assert found.labels.accuracy.value == 100
    (eaf,) = write_results(part, "part", ["eaf"], tmp_path)
    again = measure(part, read_annotations(eaf, "fused"))
    assert again.labels is not None
    assert again.labels.accuracy.value == 100
    # Another result of the same stretch counts as this one does.
    (csv,) = write_results(part, "part", ["csv"], tmp_path)
    same = measure(part, read_annotations(csv))
    assert (same.compared_ticks, same.labels and same.labels.accuracy.value) == (95, 100)
    early = [Annotation(0, 4, "happy")]
    with pytest.raises(InputError, match=rf"from 0\.0 to .* the result from {60.5 * speed:.1f} to"):
        measure(part, early)


def test_intervals_and_synonyms(tmp_path: Path):
    found = measure(
        made_up(), _table(tmp_path, "start_s;end_s;label\n0;1.6;Joy\n1.6;3.2;angry\n3.2;4;neutral\n")
    )
    assert found.annotated_ticks == 100
    # The result says nothing of the last 0.4 s.
    assert found.compared_ticks == 95
    assert found.labels.accuracy.value == pytest.approx(100 * 55 / 95, abs=0.01)
    assert found.labels.confusion[LABELS.index("anger")][LABELS.index("sad")] == 40
    assert found.labels.uar.value == pytest.approx(200 / 3, abs=0.01)


def test_groups_are_compared_as_groups_and_other_words_are_left_out(tmp_path: Path):
    text = "start_s,end_s,label\n0,1.6,positive\n1.6,3.2,negative\n3.2,3.4,neutral\n3.4,4,unclear\n"
    found = measure(made_up(), _table(tmp_path, text))
    assert found.labels.labels == ("positive", "neutral", "negative")
    assert found.labels.kappa.value == 1
    assert found.left_out == {"unclear": 1}


def test_valence_and_arousal_of_moments(tmp_path: Path):
    lines = [f"{i / 10},{0.5 if i < 16 else -0.5},0.1" for i in range(32)]
    found = measure(made_up(), _table(tmp_path, "\n".join(["time_s,Valence,arousal", *lines])))
    assert found.labels is None
    assert found.compared_ticks == 32
    assert found.values["valence"].ccc.value > 0.95
    assert found.values["arousal"].pcc.value == 0


def test_a_result_agrees_with_its_own_table(tmp_path: Path):
    found = measure(made_up(), _table(tmp_path, to_csv(made_up())))
    assert found.labels.kappa.value == 1
    assert found.values["valence"].rmse.value < 1e-4


def test_a_tier_of_an_elan_document(tmp_path: Path):
    (path,) = write_results(made_up(), "talk", ["eaf"], tmp_path)
    found = measure(made_up(), read_annotations(path, "voice"), modality="voice")
    assert found.labels.kappa.value == 1
    assert found.annotated_ticks == found.compared_ticks == 75
    with pytest.raises(InputError, match="fused, face and voice"):
        read_annotations(path)
    with pytest.raises(InputError, match="no tier 'x'"):
        read_annotations(path, "x")


def test_a_face_can_be_asked_for(tmp_path: Path):
    annotations = _table(tmp_path, "start_s,end_s,label\n0.4,2.4,fear\n")
    assert measure(made_up(second_face=True), annotations, face=1).labels.accuracy.value == 100
    with pytest.raises(InputError, match="no face 5"):
        measure(made_up(), annotations, face=5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns none"),
        ("time_s,mood\n1,x\n", "needs start_s"),
        ("time_s,label\n", "no annotation"),
        ("time_s,label\nsoon,happy\n", "line 2"),
        ("time_s,label\n-1,happy\n", "not a time"),
        ("time_s,label\nnan,happy\n", "not a time"),
        ("start_s,end_s,label\n2,1,happy\n", "is before"),
        ("time_s,valence\n1,\"1.0,5\"\n", "not a number"),
        ("time_s,label\n1,yes\n", "contains no known label"),
        ("time_s,label\n100,happy\n", "no tick in common"),
    ],
)  # fmt: skip
def test_mistakes_are_said(tmp_path: Path, text: str, words: str):
    with pytest.raises(InputError, match=words):
        measure(made_up(), _table(tmp_path, text))


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path):
    (tmp_path / "talk.json").write_text(to_json(made_up()))
    (tmp_path / "a.csv").write_text("start_s,end_s,label,valence\n0,2,happy,0.5\n2,3,unclear,-0.5\n")
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "agree", "talk.json", "a.csv", "--json", "f.json"],
        cwd=tmp_path, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"},
    )  # fmt: skip
    assert "Cohen's kappa" in done.stdout
    assert "'unclear' is not a label" in done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["labels"]["accuracy"]["value"] == 80
    assert figures["values"]["valence"]["examples"] == 75
    assert figures["labels"]["classes"]["happy"]["annotated"] == 50
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "agree", "talk.json", "a.csv", "--map", "unclear"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "WORD=LABEL" in done.stderr


def test_the_voice_is_that_of_whom_the_result_is_about():
    """Somebody off screen is heard from 2 s on; where nothing tells whose voice it is, each counts."""

    def whose(row: Row) -> Row:
        heard = row.voice is not None
        return replace(
            row, voice_id=int(row.tick >= 50) if heard else None, speaking=heard and row.tick < 50,
            fused=row.fused if row.face_id is not None else None,
        )  # fmt: skip

    result = made_up()
    known = replace(result, timeline=tuple(map(whose, result.timeline)))
    said = [Annotation(0, 2, "anger"), Annotation(2, 4, "sad")]
    own, any_voice = (measure(one, said, modality="voice") for one in (known, result))
    assert (own.annotated_ticks, own.compared_ticks, own.labels.accuracy.value) == (100, 30, 100)
    assert (any_voice.compared_ticks, any_voice.labels.accuracy.value) == (75, 40)
    asked = replace(known, options=replace(known.options, voice="all"))
    assert measure(asked, said, modality="voice").compared_ticks == 75


def test_where_no_face_is_seen_the_voice_is_nobody_elses():
    result = made_up(second_face=True)
    said = [Annotation(0, 4, "neutral")]
    assert measure(result, said, face=0).compared_ticks == 95
    assert measure(result, said, face=1).compared_ticks == 50


def test_raters_vote_on_what_is_compared():
    """Of groups, raters who say anger and sad agree, and so does one who says both of a tick."""
    raters = [replace(Annotation(0, 3.2, label), rater=label) for label in ("anger", "sad", "happy")]
    found = measure(made_up(labels=3), raters)
    assert (found.raters.tied_ticks, found.compared_ticks, found.labels.accuracy.value) == (0, 80, 50)
    with pytest.raises(InputError, match="split in all 80 ticks"):
        measure(made_up(), raters)
    both = [Annotation(1.6, 3.2, "anger"), Annotation(1.6, 3.2, "sad"), Annotation(1.6, 3.2, "happy")]
    one = measure(made_up(labels=3), both)
    assert (one.overlapping_ticks, one.labels.accuracy.value) == (40, 100)
    assert measure(made_up(labels=3), both[:2]).overlapping_ticks == 0


def test_intervals_of_few_seconds_and_other_scales_are_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    (tmp_path / "talk.json").write_text(to_json(made_up()))
    (tmp_path / "a.csv").write_text("start_s,end_s,valence,arousal\n0,1.6,7,0.5\n1.6,3,-2,0\n")
    done = CliRunner().invoke(app, ["agree", str(tmp_path / "talk.json"), str(tmp_path / "a.csv")])
    assert done.exit_code == 0, done.output
    told = " ".join(capfd.readouterr().err.split()) + " ".join(done.output.split())
    assert "labels change only 1 time in what is compared: the intervals are too narrow" in told
    assert "valence of the annotation goes from -2 to 7, that of a result from -1 to 1" in told
    assert "arousal of the annotation" not in told
    faces = [row for row in made_up().timeline if row.tick in (0, 50)]
    rows = tuple(replace(faces[tick // 4 % 2], tick=tick) for tick in range(200))
    show_agreement(Terminal(), measure(replace(made_up(), timeline=rows), [Annotation(0, 8, "happy")]))
    assert "too narrow" not in capfd.readouterr().err


def test_labels_that_overlap_are_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    # What is no label contradicts nothing, and neither does a synonym.
    text = "start_s,end_s,label\n0,1.6,happy\n0,1,Talks\n1,1.4,sad\n0.4,0.8,happiness\n"
    found = measure(made_up(), _table(tmp_path, text))
    assert (found.overlapping_ticks, found.labels.accuracy.value) == (10, 100)
    show_agreement(Terminal(), found)
    assert "overlap in 10 ticks" in capfd.readouterr().err
    found = measure(made_up(), _table(tmp_path, text.replace("1,1.4", "1.6,1.8")))
    assert found.overlapping_ticks == 0


def test_what_is_left_out_counts_and_words_can_be_mapped(tmp_path: Path):
    text = "start_s,end_s,label\n0,1.6,happy\n1.6,2,Calm\n3.8,4,sad\n"
    found = measure(made_up(), _table(tmp_path, text))
    assert (found.annotated_ticks, found.compared_ticks, found.left_out_ticks) == (45, 40, 10)
    assert found.labels.accuracy.value == 100
    found = measure(made_up(), _table(tmp_path, text), mapping={"calm": "neutral"})
    assert (found.annotated_ticks, found.compared_ticks, found.left_out_ticks) == (55, 50, 0)
    assert found.labels.accuracy.value == 80
    for mapping, words in (
        ({"calm": "cosy"}, "no label"),
        ({"clam": "neutral"}, "no annotation says 'clam'"),
    ):
        with pytest.raises(InputError, match=words):
            measure(made_up(), _table(tmp_path, text), mapping=mapping)


def test_each_label_against_the_rest_is_as_scikit_learn_has_it():
    random = np.random.default_rng(0)
    annotated, said = random.integers(0, 3, (2, 300))
    figures = measure_agreement(said, annotated, LABELS)
    assert list(figures.classes) == list(LABELS[:3])
    f1 = f1_score(annotated, said, average=None)
    for i, one in enumerate(figures.classes.values()):
        assert one.annotated == (annotated == i).sum()
        assert one.f1.value == pytest.approx(100 * f1[i], abs=0.01)
        assert one.kappa.value == pytest.approx(cohen_kappa_score(annotated == i, said == i), abs=1e-4)
        assert one.kappa.low < one.kappa.value < one.kappa.high


def test_several_raters_vote_and_are_held_against_each_other(tmp_path: Path):
    (tmp_path / "anna.csv").write_text("start_s,end_s,label\n0,1.6,happy\n1.6,3.2,sad\n")
    (tmp_path / "ben.csv").write_text("start_s,end_s,label\n0,1.6,happy\n1.6,2.4,sad\n2.4,3.2,fear\n")
    said = read_all([tmp_path / "anna.csv", tmp_path / "ben.csv"])
    found = measure(made_up(), said)
    assert found.raters.names == ("anna", "ben")
    assert (found.raters.tied_ticks, found.compared_ticks) == (20, 60)
    assert found.labels.kappa.value == 1
    assert found.raters.kappas["anna"].value == 1
    assert 0 < found.raters.kappas["ben"].value < 1
    assert found.raters.labels.fleiss.value == pytest.approx(0.588, abs=0.02)
    rater = "start_s,end_s,label,coder\n0,1.6,happy,x\n0,1.6,sad,y\n0,1.6,happy,z\n"
    assert measure(made_up(), _table(tmp_path, rater)).labels.accuracy.value == 100
