"""A run of valence and arousal in the pipeline: its two columns, beside the labels of other networks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import keras
import numpy as np
import pytest
from conftest import Make
from numpy.typing import NDArray

from emoview import Analysis, analyze
from emoview.batch.record import hash_of_weights
from emoview.errors import InputError
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import read_annotations
from emoview.media.probe import Stretch
from emoview.networks.runs import NetworkOfRun, Run
from emoview.output.json import schema, to_json
from emoview.output.methods import methods_text
from emoview.output.read import read_json
from emoview.output.report import to_html
from emoview.pipeline.analysis import analyze as run_analysis
from emoview.pipeline.check import check
from emoview.pipeline.evidence import Found
from emoview.pipeline.inference import smooth
from emoview.timeline.labels import LABELS, valence_arousal
from emoview.timeline.options import Options
from tests.made_up import made_up

_STRETCH = Stretch(0.0, 0.6)


def _run(folder: Path, kernel: NDArray[np.float64], *, scale: float = 1.0, colour: bool = True) -> Path:
    """A network of the mean of each channel; `(channels, 2)`."""
    given = keras.Input((32, 32, len(kernel)))
    mean = keras.layers.GlobalAveragePooling2D()(given)
    layer = keras.layers.Dense(2, use_bias=False, name="logits")
    model = keras.Model(given, layer(mean))
    layer.set_weights([kernel])
    run = Run(folder, "valence-arousal", {}, folder)
    stored = NetworkOfRun(
        "means", "va", "pictures", ("valence", "arousal"), 32, colour, scale, model.count_params(), 0
    )
    run.add(stored, model, None)
    return folder


@pytest.fixture(scope="module")
def affect_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Valence is the mean red, arousal the mean blue taken from zero; in the unit of AFEW-VA.
    return _run(tmp_path_factory.mktemp("va"), np.array([[10.0, 0], [0, 0], [0, -10]]), scale=0.1)


@pytest.fixture(scope="module")
def estimated(affect_run: Path, sample: Path) -> tuple[Analysis, list[Found]]:
    seen: list[Found] = []
    options = Options(weights=str(affect_run))
    return run_analysis(sample, options=options, stretch=_STRETCH, on_face=seen.append), seen


def test_estimates_fill_the_columns_of_rows_with_a_face(
    estimated: tuple[Analysis, list[Found]], sample: Path, affect_run: Path
):
    result, seen = estimated
    squares = np.stack([found.square for found in seen if found.square is not None])
    assert squares.shape[1:] == (32, 32, 3)
    means = squares.mean(axis=(1, 2))[:, [0, 2]] / 255 * [1, -1]
    rows = [row for row in result.timeline if row.face_id is not None]
    said = np.array([(row.valence, row.arousal) for row in rows])
    np.testing.assert_allclose(said, smooth(means, np.array([found.tick for found in seen])), atol=1e-4)
    assert result.affect == "estimated"
    assert "affect/means.keras" in {weight.name for weight in result.weights}
    # The labels are those of what ships, however they are fused.
    usual = analyze(sample, end_s=_STRETCH.end_s)
    assert usual.affect == "derived"
    assert [(row.face, row.voice, row.fused) for row in result.timeline] == [
        (row.face, row.voice, row.fused) for row in usual.timeline
    ]
    assert result.fusion_used == usual.fusion_used
    check(Options(weights=str(affect_run), explain=True, fusion="early"))


def test_what_is_stored_says_estimated(estimated: tuple[Analysis, list[Found]], tmp_path: Path):
    result = estimated[0]
    text = to_json(result)
    jsonschema.validate(json.loads(text), schema())
    assert json.loads(text)["valence_arousal"] == "estimated"
    file = tmp_path / "r.json"
    file.write_text(text)
    again = read_json(file)
    assert (again.affect, again.options.weights) == ("estimated", result.options.weights)
    assert to_json(again) == text
    assert "estimated from the face" in to_html(result, title="t", origin="r.json")
    assert "estimated from the face" not in to_html(replace(result, affect="derived"), title="t", origin="o")
    several = replace(result, options=replace(result.options, weights=("a", "b")))
    jsonschema.validate(json.loads(to_json(several)), schema())
    file.write_text(to_json(several))
    assert read_json(file).options.runs == ("a", "b")
    # What is measured against an annotation is what the result says.
    table = tmp_path / "a.csv"
    table.write_text("time_s,valence\n" + "".join(f"{0.04 * i:.2f},{i / 20}\n" for i in range(10)))
    for one in (result, replace(result, affect="derived")):
        rmse = measure(one, read_annotations(table)).values["valence"].rmse.value
        values = [row.valence for row in one.timeline[:10]]
        if one.affect == "derived":
            probabilities = np.array([row.fused for row in one.timeline[:10]])
            values = list(valence_arousal(probabilities)[:, 0])
        off = np.array(values) - np.arange(10) / 20
        assert rmse == pytest.approx(float(np.sqrt(np.mean(off**2))), abs=1e-3)


def test_beside_a_run_for_the_face_and_in_rows_without_one(
    affect_run: Path, tmp_path: Path, sample: Path, made: Make
):
    given = keras.Input((32, 32, 1))
    model = keras.Model(given, keras.layers.Dense(7)(keras.layers.Flatten()(given)))
    run = Run(tmp_path / "labels", "frame-cnn", {}, tmp_path)
    run.add(NetworkOfRun("flat", "face", "pictures", LABELS, 32, False, 1.0, 1, 1), model, None)
    both = [run.folder, affect_run]
    result = analyze(sample, weights=both, end_s=0.2)
    assert {"face/flat.keras", "affect/means.keras"} <= {weight.name for weight in result.weights}
    assert not any(weight.name.startswith("face_") for weight in result.weights)
    said = " ".join(methods_text(result).split())
    assert "classified by a network of our own (flat.keras)." in said
    assert "estimated from the face by a network of our own (means.keras)." in said
    assert result.options.weights == tuple(map(str, both))
    with pytest.raises(InputError, match="early fusion"):
        analyze(sample, weights=both, fusion="early")
    with pytest.raises(InputError, match="another run for valence and arousal: name one"):
        analyze(sample, weights=[affect_run, affect_run])
    with pytest.raises(InputError, match="valence and arousal, which --modality voice leaves out"):
        analyze(sample, weights=affect_run, modality="voice")
    heard = analyze(made("heard.wav", "-vn", seconds=3), weights=affect_run)
    voiced = [row for row in heard.timeline if row.fused is not None]
    assert voiced
    assert heard.affect == "derived"
    for row in voiced:
        assert (row.valence, row.arousal) == pytest.approx(
            tuple(valence_arousal(np.array(row.fused))), abs=1e-5
        )


def test_estimates_stay_in_range_and_a_batch_knows_the_run(tmp_path: Path):
    run = _run(tmp_path / "large", np.array([[5.0, -5.0]]), colour=False)
    from emoview.pipeline.stand_ins import StandIn

    white = np.full((1, 32, 32, 3), 255, np.uint8)
    np.testing.assert_allclose(StandIn.load(run).affect(list(white)), [[1, -1]])
    assert len({hash_of_weights((), None), hash_of_weights((str(run),), None)}) == 2
    assert made_up().affect == "derived"
