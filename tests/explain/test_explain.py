"""Explanations: true gradients, maps that depend on the weights, and where they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from browser import Browser
from command import run
from conftest import Make
from expected import PLAIN, SAMPLE, SOUND, TWO_FACES

from emoview import LABELS, Analysis, InputError, analyze
from emoview.batch.inputs import Clip
from emoview.batch.record import Records, Wanted
from emoview.batch.run import run_batch
from emoview.explain.face import shipped_gradcam
from emoview.explain.gradcam import GradCam, LastStage
from emoview.explain.groups import groups
from emoview.explain.seen import Seen
from emoview.explain.segments import explained as explain_segments
from emoview.face.regions import REGION_POINTS, REGIONS, region_map
from emoview.networks.weights import shipped
from emoview.output.json import schema, to_json
from emoview.output.read import read_json
from emoview.pipeline import analysis as pipeline
from emoview.pipeline import loading
from emoview.pipeline.engines import Engine
from emoview.pipeline.models import Models
from emoview.rendering.report import write_report
from emoview.timeline.options import Options
from emoview.timeline.results import Segment
from tests.made_up import made_up_run


@pytest.fixture(scope="module")
def watched(sample: Path) -> tuple[Analysis, Seen]:
    """The sample with explanations, and what they were made of."""
    kept: list[Seen] = []

    class Watched(Seen):
        def __init__(self) -> None:
            super().__init__()
            kept.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emoview.explain.seen.Seen", Watched)
        result = analyze(sample, explain=True)
    return result, kept[0]


@pytest.fixture(scope="module")
def explained(watched: tuple[Analysis, Seen]) -> Analysis:
    return watched[0]


@pytest.fixture(scope="module")
def parted(watched: tuple[Analysis, Seen]) -> Analysis:
    """The same as if its end, at which the eyes are wide open, were said to be surprised."""
    result, seen = watched
    segments = (Segment(0.0, 5.6, 0, "happy", 0.9), Segment(5.6, SAMPLE.seconds, 0, "surprise", 0.4))
    return explain_segments(replace(result, segments=segments), seen, Models())


@pytest.fixture(scope="module")
def faces(watched: tuple[Analysis, Seen]) -> np.ndarray:
    """Faces of the sample as the network sees them: every tenth, `(n, 48, 48, 1)`."""
    pictures = [face.picture for _, face in sorted(watched[1].faces.items())]
    return np.stack(pictures[::10])[..., None].astype(np.float32) / 255


def keras_face_network():
    from emoview.networks.face_cnn import face_cnn

    network = face_cnn()
    network.load_weights(shipped("face_cnn.weights.h5").path)
    return network


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Mean over pictures; 0 where a map says nothing."""
    pairs = [(a.ravel(), b.ravel()) for a, b in zip(one, other, strict=True)]
    return float(np.mean([np.corrcoef(a, b)[0, 1] if a.std() and b.std() else 0.0 for a, b in pairs]))


def test_the_last_stage_and_its_gradient_are_those_of_the_network(faces: np.ndarray):
    tensorflow = pytest.importorskip("tensorflow")
    import keras

    if keras.backend.backend() != "tensorflow":
        pytest.skip("the gradient to compare with is TensorFlow's")
    network = keras_face_network()
    both = keras.Model(network.input, [network.get_layer("maps").output, network.output])
    last = LastStage.read(shipped("face_cnn.weights.h5").path)
    for position in range(len(LABELS)):
        with tensorflow.GradientTape() as tape:
            maps, logits = both(faces[:4])
            logit = tensorflow.reduce_sum(logits[:, position])
        expected = np.asarray(tape.gradient(logit, maps))
        found = last.gradient(np.asarray(maps), position)
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())
    np.testing.assert_allclose(last.answer(np.asarray(maps)), np.asarray(logits), atol=1e-4)


def test_both_engines_draw_the_same_maps(faces: np.ndarray):
    onnx, keras_ = (shipped_gradcam(engine) for engine in (Engine.ONNX, Engine.KERAS))
    for label in ("happy", "surprise", "sad"):
        one, other = onnx(faces, label), keras_(faces, label)
        assert one.shape == (len(faces), 6, 6)
        np.testing.assert_allclose(one, other, atol=1e-3 * one.max())
    assert onnx(faces, "happy").max() > 0.02
    assert correlation(onnx(faces, "happy"), onnx(faces, "surprise")) < 0.7


def test_shuffled_weights_give_other_maps(faces: np.ndarray, tmp_path: Path):
    """The check of Adebayo et al. (2018): a map that survives it shows the picture, not the network."""
    from emoview.networks.face_cnn import maps_model

    true = shipped_gradcam(Engine.ONNX)
    rng = np.random.default_rng(0)

    def shuffled(name: str, chosen: Callable[[str], bool]) -> GradCam:
        network = keras_face_network()
        for layer in network.layers:
            if chosen(layer.name):
                # Kernels alone: with its normalisations shuffled, too, a network sees nothing at all.
                layer.set_weights(
                    [
                        rng.permutation(w.ravel()).reshape(w.shape) if w.ndim > 1 else w
                        for w in layer.get_weights()
                    ]
                )
        path = tmp_path / f"{name}.weights.h5"
        network.save_weights(path)
        return GradCam(maps_model(network), LastStage.read(path))

    same = shuffled("same", lambda _: False)
    head = shuffled("head", lambda name: name == "logits")
    all_ = shuffled("all", lambda _: True)
    some = faces[::3]
    maps = {label: true(some, label) for label in LABELS}

    def kept(other: GradCam) -> float:
        return float(np.mean([correlation(maps[label], other(some, label)) for label in LABELS]))

    assert kept(same) > 0.999
    assert kept(head) < 0.5
    assert kept(all_) < 0.5


def test_a_smile_is_seen_around_the_mouth_and_surprise_around_the_eyes(parted: Analysis):
    by_label = {}
    for segment in parted.segments:
        assert segment.explanation is not None
        reasons = segment.explanation.face
        assert reasons is not None
        assert set(reasons.regions) == set(REGIONS)
        assert sum(reasons.regions.values()) == pytest.approx(1, abs=0.005)
        assert max(map(max, reasons.grid)) == 1
        assert segment.start_s <= reasons.time_s < segment.end_s
        by_label.setdefault(segment.label, reasons)
        box = next(row.box for row in parted.timeline if row.time_s == reasons.time_s)
        middle = np.mean(reasons.corners[1:], axis=0)
        assert np.hypot(*(middle - (box.x + box.width / 2, box.y + box.height / 2))) < box.width / 8
    happy, surprise = by_label["happy"].regions, by_label["surprise"].regions
    assert happy["mouth"] + happy["nose"] > 0.6 > happy["eyes"] + happy["brows"]
    assert surprise["eyes"] + surprise["brows"] > surprise["mouth"] + 0.2
    assert "mouth" in by_label["happy"].sentence


def test_regions_lie_where_their_points_do(watched: tuple[Analysis, Seen]):
    face = next(iter(watched[1].faces.values()))
    regions = region_map(face.points, 48)
    names = list(REGIONS)
    for name, points in REGIONS.items():
        first = REGION_POINTS.index(points[0])
        x, y = np.clip(face.points[first : first + len(points)].mean(axis=0) * 48, 0, 47).astype(int)
        if name in ("nose", "mouth"):
            assert names[regions[y, x]] == name
    assert names[regions[1, 24]] == "forehead"
    assert names[regions[46, 24]] == "cheeks and jaw"


def test_every_functional_is_in_one_group_and_every_descriptor_in_one():
    found = groups()
    windows = np.concatenate([group.windows for group in found.values()])
    assert sorted(windows) == list(range(6373))
    ticks = np.concatenate([group.ticks for name, group in found.items() if name != "pitch variation"])
    assert sorted(ticks) == list(range(105))


def test_a_segment_that_is_the_whole_speech_is_held_against_the_training_data(parted: Analysis):
    voices = [s.explanation.voice for s in parted.segments if s.explanation.voice]
    assert voices[0].against == "training"
    assert {voice.against for voice in voices[1:]} == {"speaker"}
    assert "training data" in voices[0].sentence
    # The log-odds are those of the voice's own probabilities, over the ticks with speech.
    first = parted.segments[0]
    position = LABELS.index(first.label)
    p = np.array(
        [r.voice[position] for r in parted.timeline if r.voice and r.time_s < first.end_s], np.float64
    )
    assert voices[0].log_odds == pytest.approx(np.log(p / (1 - p)).mean(), abs=0.05)


def test_without_being_asked_nothing_is_explained(
    made: Make, monkeypatch: pytest.MonkeyPatch, result: Analysis, explained: Analysis
):
    asked_for: list[object] = []

    class Session:
        def __init__(self, inner) -> None:
            self._inner = inner

        def run(self, outputs, *rest):
            asked_for.append(outputs)
            return self._inner.run(outputs, *rest)

    # Networks that are loaded already would not be watched.
    loading._models.cache_clear()
    network = Models().face_cnn
    network._session = Session(network._session)
    monkeypatch.setattr(Models, "face_cnn", network)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("explained without being asked")

    monkeypatch.setattr("emoview.explain.seen.Seen.__init__", never)
    monkeypatch.setattr("emoview.explain.face.shipped_gradcam", never)
    plain = analyze(made("one.mp4", "-frames:v", "1", "-an"), device="cpu")
    assert all(segment.explanation is None for segment in plain.segments)
    assert set(asked_for) == {("embedding", "logits")}
    assert "explain" not in plain.timings
    assert explained.timeline == result.timeline
    assert [replace(s, explanation=None) for s in explained.segments] == list(result.segments)


def test_the_json_is_valid_and_comes_back(explained: Analysis, tmp_path: Path):
    text = to_json(explained)
    jsonschema.validate(json.loads(text), schema())
    path = tmp_path / "x.json"
    path.write_text(text)
    assert to_json(read_json(path)) == text
    assert [s.explanation for s in read_json(path).segments] == [s.explanation for s in explained.segments]


def test_results_of_the_first_version_are_read(explained: Analysis, tmp_path: Path):
    stored = json.loads(to_json(explained))
    stored["schema_version"] = "1.0"
    del stored["options"]["explain"], stored["options"]["weights"], stored["media"]["start_s"]
    for segment in stored["segments"]:
        del segment["explanation"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(stored))
    old = read_json(path)
    assert old.options == Options()
    assert [s.label for s in old.segments] == [s.label for s in explained.segments]
    assert all(segment.explanation is None for segment in old.segments)
    write_report(path, tmp_path / "old.html")
    assert "Where the labels came from" not in (tmp_path / "old.html").read_text()


def test_each_face_has_its_own_map_and_sound_alone_none(made: Make):
    two = made(replace(TWO_FACES, seconds=1.2))
    result = analyze(two, face="all", explain=True)
    corners = {s.face_id: s.explanation.face.corners[0][0] for s in result.segments if s.explanation.face}
    boxes = {r.face_id: r.box.x for r in result.timeline if r.box}
    assert len(corners) == TWO_FACES.faces
    assert all(abs(corners[i] - boxes[i]) < 80 for i in corners)
    alone = analyze(made(SOUND), explain=True)
    assert alone.segments
    assert all(s.explanation.face is None and s.explanation.voice for s in alone.segments)


def test_networks_of_a_run_are_not_explained(made: Make, tmp_path: Path):
    with pytest.raises(InputError, match="only the networks that ship can be explained"):
        analyze(made(PLAIN), weights=made_up_run(tmp_path, "face", "pictures"), fusion="late", explain=True)
    assert pipeline._seen(Options()) is None


def test_the_command_prints_a_line_a_segment_and_takes_the_option_from_the_file(made: Make, tmp_path: Path):
    (tmp_path / "emoview.toml").write_text("[analyze]\nexplain = true\n")
    done = run("analyze", made("short.mp4", seconds=1.0), "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "on the face" in done.stdout
    stored = json.loads((tmp_path / "out" / "short.json").read_text())
    assert stored["options"]["explain"] is True
    assert stored["segments"][0]["explanation"]["face"]["ticks"] > 5


def test_a_batch_explains_and_tells_the_results_apart(made: Make, tmp_path: Path):
    clip = Clip(made("short.mp4", seconds=1.0), "short")
    with_, without = (Wanted(Options(explain=explain), ("json",)) for explain in (True, False))
    assert Records(tmp_path, with_).key(clip) != Records(tmp_path, without).key(clip)
    report = run_batch([clip], tmp_path, with_)
    assert not report.failed
    stored = json.loads((tmp_path / "short.json").read_text())
    assert stored["segments"][0]["explanation"] is not None


def test_the_report_shows_maps_and_words(explained: Analysis, browser: Browser, tmp_path: Path):
    browser.errors.clear()
    stored = tmp_path / "portrait.json"
    stored.write_text(to_json(explained))
    write_report(stored, tmp_path / "with.html")
    moved = replace(explained, media=replace(explained.media, path="/nowhere/gone.mp4"))
    stored.write_text(to_json(moved))
    write_report(stored, tmp_path / "without.html")
    images = "Array.from(document.querySelectorAll('.why img'))"
    pictures = {}
    for name in ("with", "without"):
        browser.open(tmp_path / f"{name}.html")
        browser.wait(f"{images}.every(i => i.complete)")
        assert browser.run(f"{images}.length") == len(explained.segments)
        assert browser.run(f"{images}.every(i => i.naturalWidth === 224)")
        assert "nose" in browser.run(f"{images}[0].alt")
        pictures[name] = browser.run(f"{images}[0].src")
    assert pictures["with"] != pictures["without"]
    assert "voice alone:" in browser.run("document.querySelector('.why').innerText")
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": False}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    width = browser.run("document.documentElement.scrollWidth")
    browser.call("Emulation.clearDeviceMetricsOverride")
    assert width <= 390
    assert browser.errors == []
