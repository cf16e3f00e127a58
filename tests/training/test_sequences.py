"""System D on frames of clips: sequences, their aggregates, and a GRU that is trained with its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from trained import said_by

from emoview.datasets.frames import read_frames, split_frames
from emoview.errors import DatasetError, InputError
from emoview.networks.catalog import build
from emoview.networks.preparation import prepared
from emoview.networks.runs import Run, load_network, networks_of, read_metrics
from emoview.networks.seen import Seen, note_seen
from emoview.networks.sequences import MaskedMedian, cnn_gru, frames_network
from emoview.training.late_fusion import read_predictions
from emoview.training.loop import read_history
from emoview.training.systems.catalog import SYSTEMS
from emoview.training.systems.options import SequenceOptions
from emoview.training.systems.pictures import only_dense_learn
from emoview.training.systems.sequences import _entries, _frames

HEADING = "path,label,clip,actor,time_s"


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frames of 24 clips of 12 actors, in which a bright band stands where the label says."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(24):
        label = ("happy", "sad", "angry")[number % 3]
        (folder / label).mkdir(exist_ok=True)
        for tick in range(3 + number % 4):
            image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
            image[16 * (number % 3) :][:16] = 200
            cv2.imwrite(str(folder / label / f"{number}-{tick}.png"), image)
            rows.append(f"{label}/{number}-{tick}.png,{label},{number}.mp4,{number // 2},{0.2 * tick}")
    # In no order: what counts is the time.
    (folder / "index.csv").write_text("\n".join([HEADING, *rng.permutation(rows)]) + "\n")
    return folder


def trained(system: str, data: Path, folder: Path, **changes: Any) -> Path:
    options = SYSTEMS[system].options({"network": "nn1", "size": 20, "colour": False, **changes})
    SYSTEMS[system].train(options, data, Run(folder, system, options, data), lambda _: None)
    return folder


def test_frames_in_the_order_of_time(frames: Path):
    clips = {clip.name: clip for clip in read_frames(frames)}
    assert len(clips) == 24
    assert [file.name for file in clips["5.mp4"].files] == [f"5-{tick}.png" for tick in range(4)]
    assert clips["5.mp4"].actor == "2"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a.png,happy,,1,0"], "line 2: no clip is named"),
        (["a.png,happy,a.mp4,1,0", "a.png,sad,a.mp4,1,1"], "line 3: an earlier line has another label"),
        (["a.png,happy,a.mp4,1,-1"], "line 2: time_s is -1"),
        (["../a.png,happy,a.mp4,1,0"], "line 2"),
        ([], "names no frames"),
    ],
)
def test_an_index_that_does_not_fit(tmp_path: Path, rows: list[str], said: str):
    folder = tmp_path / "data"
    folder.mkdir()
    for place in (tmp_path, folder):
        (place / "a.png").write_bytes(b"")
    (folder / "index.csv").write_text("\n".join([HEADING, *rows]) + "\n")
    with pytest.raises(DatasetError, match=said):
        read_frames(folder)
    with pytest.raises(DatasetError, match="nor train and valid"):
        split_frames(tmp_path, "given", 1)


def test_nobody_is_on_both_sides(frames: Path, tmp_path: Path):
    clips, parts = split_frames(frames, "given", 1)
    assert sum(map(len, parts)) == 24
    actors = [{clips[i].actor for i in part} for part in parts]
    assert not actors[0] & actors[1]
    assert not actors[0] & actors[2]
    # Of given parts, an actor of the tested ones is not learned from.
    lines = (frames / "index.csv").read_text().splitlines()
    for part, wanted in (("train", range(11)), ("valid", range(10, 12))):
        (tmp_path / part).mkdir()
        for label in ("happy", "sad", "angry"):
            (tmp_path / part / label).symlink_to(frames / label)
        kept = [line for line in lines[1:] if int(line.split(",")[3]) in wanted]
        (tmp_path / part / "index.csv").write_text("\n".join([HEADING, *kept]) + "\n")
    clips, (train, choose, test) = split_frames(tmp_path, "given", 1)
    assert {clips[i].actor for i in test} == {"10", "11"}
    assert {clips[i].actor for i in (*train, *choose)} == {str(actor) for actor in range(10)}


@pytest.mark.parametrize("words", [("train", "valid"), ("Training", "Val"), ("train", "test")])
def test_parts_that_the_index_names_are_kept(frames: Path, tmp_path: Path, words: tuple[str, str]):
    """`prepare` writes the part of each clip: what a later stage is measured on is not learned from here."""
    lines = (frames / "index.csv").read_text().splitlines()
    for label in ("happy", "sad", "angry"):
        (tmp_path / label).symlink_to(frames / label)
    rows = [f"{line},{words[int(line.split(',')[3]) >= 9]}" for line in lines[1:]]
    (tmp_path / "index.csv").write_text("\n".join([f"{HEADING},part", *rows]) + "\n")
    clips, (train, choose, test) = split_frames(tmp_path, "given", 1)
    assert {clips[i].actor for i in test} == {"9", "10", "11"}
    assert {clips[i].actor for i in (*train, *choose)} == {str(actor) for actor in range(9)}
    assert len({clips[i].actor for i in split_frames(tmp_path, "random", 1)[1][2]} - {"9", "10", "11"}) > 0


def test_a_start_that_knows_the_tested_clips_is_refused(frames: Path, tmp_path: Path):
    clips, (_, _, test) = split_frames(frames, "given", 1)
    note_seen(tmp_path / "first", "nn1", Seen.of([], [clips[test[0]].actor]))
    with pytest.raises(InputError, match="that would be measured, or from their people"):
        trained("frame-sequences", frames, tmp_path / "run", start=str(tmp_path / "first"))


def test_clips_are_cut_into_sequences(frames: Path):
    """Norman 2019, section 5.8: the last sequence is padded with its last frame."""
    clips = tuple(clip for clip in read_frames(frames) if clip.name == "3.mp4")
    assert len(clips[0].files) == 6
    for exact, counted in ((True, [4, 2]), (False, [4, 4])):
        options = SequenceOptions(length=4, exact=exact)
        entries = _entries(clips, (48, 48, 1), options)[0]
        values, mask = entries.inputs([0, 1], 3)
        assert mask.sum(axis=1).tolist() == [*counted, 0]
        shown = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) / 255 for file in clips[0].files]
        np.testing.assert_allclose(values[1, ..., 0], np.stack([shown[i] for i in (4, 5, 5, 5)]), atol=1e-6)


def test_median_of_the_frames_that_count():
    values = np.random.default_rng(0).normal(size=(3, 6, 2)).astype(np.float32)
    counts = np.array([6, 5, 1])
    said = MaskedMedian()(values, np.arange(6)[None] < counts[:, None])
    wanted = [np.median(v[:n], axis=0) for v, n in zip(values, counts, strict=True)]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(said), wanted, atol=1e-6)


def test_a_sequence_is_the_mean_of_its_frames():
    frames = build("nn1")
    values = np.random.default_rng(0).random((2, 4, 48, 48, 1), dtype=np.float32)
    mask = np.arange(4)[None] < np.array([[4], [3]])
    alone = np.stack([said_by(frames, sequence) for sequence in values])
    for aggregate, of in (("mean", np.mean), ("median", np.median)):
        said = said_by(frames_network(frames, length=4, aggregate=aggregate), (values, mask))
        np.testing.assert_allclose(said, [of(alone[0], 0), of(alone[1, :3], 0)], atol=1e-5)


def test_a_gru_reads_the_embeddings():
    """Norman 2019, section 6.3: two layers of 128 units over what the first dense layer gives."""
    network = cnn_gru(build("nn1"), length=4)
    grus = [layer for layer in network.layers if isinstance(layer, keras.layers.GRU)]
    assert [gru.units for gru in grus] == [128, 128]
    assert network.get_layer("embedding").output_shape == (None, 16)
    values = np.random.default_rng(0).random((1, 4, 48, 48, 1), dtype=np.float32)
    mask = np.array([[True, True, True, False]])
    said = said_by(network, (values, mask))
    values[0, 3] = 0
    np.testing.assert_allclose(said_by(network, (values, mask)), said, atol=1e-6)


def test_pictures_learn_by_sequences_and_then_with_a_gru(frames: Path, tmp_path: Path):
    run = trained(
        "frame-sequences", frames, tmp_path / "frames", length=4, head_epochs=0, aggregate="median",
        plan={"epochs": 5, "rate": 3e-3}, augmentation="flip",
    )  # fmt: skip
    (stored,) = networks_of(run)
    assert (stored.name, stored.takes, stored.task) == ("nn1", "pictures", "face")
    assert load_network(run, stored).input_shape == (None, 20, 20, 1)
    assert read_metrics(run)["nn1"]["accuracy"]["value"] > 60
    again = trained(
        "cnn-gru", frames, tmp_path / "gru", length=4, head_epochs=1, start=str(run), gru_units=4,
        gru_depth=1, plan={"epochs": 1, "rate": 1e-3},
    )  # fmt: skip
    (stored,) = networks_of(again)
    assert (stored.name, stored.takes, stored.task) == ("nn1-gru", "sequences", "clips")
    # Four frames through the network of pictures, less its last layer, and something for the GRU.
    assert 0 < stored.flops - 4 * (networks_of(run)[0].flops - 2 * 16 * 7) < 5000
    whole = load_network(again, stored)
    # First the GRU alone, and then the pictures' network with it.
    first = load_network(run, networks_of(run)[0]).layers[2].get_weights()[0]
    head = keras.models.load_model(again / "nn1-gru-head" / "checkpoint-1.keras", compile=False)
    kernels = [model.get_layer("embedding").layers[2].get_weights()[0] for model in (head, whole)]
    np.testing.assert_array_equal(kernels[0], first)
    assert np.abs(kernels[1] - first).max() > 0
    assert len(read_history(again / "nn1-gru-head")) == 1
    both = read_predictions([run, again])
    assert set(both.logits) == {"frames/nn1", "gru/nn1-gru"}
    # The dense layers begin anew where that is wanted, and nothing else does.
    options = SYSTEMS["frame-sequences"].options(
        {"network": "nn1", "size": 20, "colour": False, "start": str(run), "new_head": True}
    )
    clips, (train, _, _) = split_frames(frames, "given", 1)
    shape = (20, 20, 1)
    begun = _frames(options, shape, _entries(clips, shape, options)[0], train)
    old = load_network(run, networks_of(run)[0])
    np.testing.assert_array_equal(begun.layers[2].get_weights()[0], first)
    assert np.abs(begun.get_layer("logits").kernel - old.get_layer("logits").kernel).max() > 0


def test_dense_layers_learn_first():
    """Norman 2019, section 6.2: "updating only the fully connected layers for a certain number of epochs"."""
    network = build("nn1")
    for whole in (network, prepared(build("nn1"), "both")):
        only_dense_learn(whole)
        shapes = [tuple(weight.shape) for weight in whole.trainable_weights]
        assert len(shapes) == 6
        assert shapes[-2:] == [(16, 7), (7,)]


def test_settings_are_the_published_ones():
    """Norman 2019, sections 6.2 (run thirteen) and 6.3."""
    options = SYSTEMS["frame-sequences"].options({})
    assert (options.length, options.aggregate, options.exact, options.batch) == (80, "mean", True, 4)
    assert (options.head_epochs, options.plan.epochs, options.plan.rate) == (5, 25, 1e-5)
    options = SYSTEMS["cnn-gru"].options({})
    assert (options.length, options.gru_depth, options.gru_units) == (40, 2, 128)
    assert (options.head_epochs, options.plan.epochs, options.plan.rate) == (10, 30, 1e-5)
