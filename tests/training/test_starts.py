"""What trainings begin with: published weights, runs of other labels, and the shipped face network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import h5py
import keras
import numpy as np
import pytest
from keras.src.applications.nasnet import NASNet

from emoview.datasets.affect import LabelledAffect, read_affect
from emoview.errors import InputError
from emoview.face.square import square_of_mesh
from emoview.face.still import StillFaces
from emoview.networks import catalog
from emoview.networks.blocks import LOGITS_LAYER, embedding_of
from emoview.networks.preparation import prepared
from emoview.networks.published import PUBLISHED
from emoview.networks.runs import NetworkOfRun, Run, load_network, networks_of
from emoview.networks.shipped import BUILDERS
from emoview.networks.stored_layers import read_layers
from emoview.networks.weights import shipped
from emoview.timeline.labels import LABELS
from emoview.training.starts import only_head, take_start
from emoview.training.systems.affect import _shape, cut_as
from emoview.training.systems.affect import train as train_affect
from emoview.training.systems.options import AffectOptions
from tests.conftest import ffmpeg
from tests.reading.damage import damaged_bytes, survives

_THREE = ("positive", "neutral", "negative")
_MEAN = np.array([93.594, 104.7624, 129.1863], np.float32)
"""Of blue, green and red in the pictures of VGG-Face."""


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emoview.networks.vgg.WIDTHS", (2, 3, 4, 4, 4))
    monkeypatch.setattr("emoview.networks.vgg.DENSE", 6)


def _published(*, top: bool = True) -> keras.Model:
    """A narrow VGG-Face as it is published: no scaling, eight identities."""
    keras.utils.set_random_seed(3)
    own = catalog.build("vgg16-face", labels=8, input_shape=(32, 32, 3))
    x = given = keras.Input((32, 32, 3))
    for layer in own.layers[2:]:
        if not isinstance(layer, keras.layers.Dropout) and (top or not isinstance(layer, keras.layers.Dense)):
            config = {**layer.get_config(), "name": "fc8" if layer.name == LOGITS_LAYER else layer.name}
            x = type(layer).from_config(config)(x)
    model = keras.Model(given, x)
    model.set_weights([w + np.float32(0.01) for w in model.get_weights()])
    return model


def _old_form(model: keras.Model, file: Path) -> None:
    """Write weights as earlier Keras did, the names of the layers in two parts."""
    with h5py.File(file, "w") as stored:
        names = [layer.name.encode() for layer in model.layers]
        stored.attrs["layer_names0"], stored.attrs["layer_names1"] = names[:1], names[1:]
        for layer in model.layers:
            group = stored.create_group(layer.name)
            weights = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in weights], "S80")
            for name, value in zip(weights, layer.get_weights(), strict=True):
                group[name] = value


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("form", ["x.weights.h5", "x.h5", "x.keras", "model.h5"])
def test_published_weights_say_what_they_said_of_pictures_as_they_are_here(form: str, tmp_path: Path):
    reference = _published()
    file = tmp_path / form
    if form == "x.h5":
        _old_form(reference, file)
    else:
        (reference.save_weights if form == "x.weights.h5" else reference.save)(file)
    network = catalog.build("vgg16-face", labels=3, input_shape=(32, 32, 3))
    before = network.get_layer(LOGITS_LAYER).get_weights()
    take_start(network, str(file), "vgg16-face", _THREE)
    pictures = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    features = keras.Model(reference.inputs, reference.get_layer("fc7").output)
    expected = np.asarray(features(pictures[..., ::-1] - _MEAN))
    own = keras.Model(network.inputs, network.get_layer("fc7").output)
    largest = np.abs(expected).max()
    assert largest > 0.01
    np.testing.assert_allclose(own(pictures / 255), expected, atol=1e-3 * largest)
    np.testing.assert_array_equal(network.get_layer(LOGITS_LAYER).get_weights()[0], before[0])
    # Saved, it still takes plain pictures; and so does what begins with it.
    network.save(tmp_path / "own.keras")
    other = catalog.build("vgg16-face", labels=3, input_shape=(32, 32, 3))
    take_start(other, str(tmp_path / "own.keras"), "vgg16-face", _THREE)
    np.testing.assert_allclose(other(pictures / 255), network(pictures / 255), rtol=1e-5)


def test_weights_of_keras_applications(tmp_path: Path):
    reference = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    _old_form(reference, tmp_path / "vgg16_notop.h5")
    network = catalog.build("vgg16", labels=3, input_shape=(32, 32, 3), pooling=True)
    take_start(network, str(tmp_path / "vgg16_notop.h5"), "vgg16", _THREE)
    pictures = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    prepare = keras.applications.vgg16.preprocess_input
    expected = np.asarray(reference(prepare(pictures.copy()))).mean(axis=(1, 2))
    np.testing.assert_allclose(embedding_of(network)(pictures / 255)[0], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_weights_take_what_their_publishers_prepare(name: str):
    pictures = np.random.default_rng(2).integers(0, 256, (1, 4, 5, 3)).astype(np.float32)
    if name == "vgg16-face":
        # `preprocess_input(version=1)` of keras-vggface.
        expected = pictures[..., ::-1] - _MEAN
    else:
        module = {"vgg": "vgg16", "res": "resnet", "den": "densenet", "nas": "nasnet"}[name[:3]]
        expected = getattr(keras.applications, module).preprocess_input(pictures.copy())
    pixels = PUBLISHED[name]
    given = pictures / 255 * np.array(pixels.scale) + np.array(pixels.offset)
    np.testing.assert_allclose(given[..., ::-1] if pixels.blue_first else given, expected, atol=1e-4)


@pytest.mark.release
def test_nasnet_gives_the_features_of_keras_applications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def small(**options: Any) -> keras.Model:
        return NASNet(
            penultimate_filters=96, num_blocks=1, stem_block_filters=8, default_size=224,
            skip_reduction=False, **options,
        )  # fmt: skip

    monkeypatch.setattr("keras.applications.NASNetMobile", small)
    reference = small(include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg")
    rng = np.random.default_rng(4)
    reference.set_weights([w + rng.normal(0.05, 0.02, w.shape) for w in reference.get_weights()])
    reference.save_weights(tmp_path / "x.weights.h5")
    network = catalog.build("nasnet-mobile", labels=3, input_shape=(32, 32, 3))
    take_start(network, str(tmp_path / "x.weights.h5"), "nasnet-mobile", _THREE)
    pictures = rng.integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    expected = np.asarray(reference(keras.applications.nasnet.preprocess_input(pictures.copy())))
    assert expected.std() > 1e-3
    said = embedding_of(network)(pictures / 255)[0]
    np.testing.assert_allclose(said, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.usefixtures("narrow")
def test_without_a_top_and_by_place(tmp_path: Path):
    _published(top=False).save_weights(tmp_path / "notop.weights.h5")
    network = catalog.build("vgg16-face", input_shape=(32, 32, 3))
    before = network.get_layer("fc6").get_weights()[0]
    take_start(network, str(tmp_path / "notop.weights.h5"), "vgg16-face", LABELS)
    np.testing.assert_array_equal(network.get_layer("fc6").get_weights()[0], before)
    # Names that nobody knows: Keras goes by the order then.
    full = _published()
    with h5py.File(tmp_path / "o.h5", "w") as stored:
        layers = [layer for layer in full.layers if layer.weights]
        stored.attrs["layer_names"] = [f"l{i}".encode() for i in range(len(layers))]
        for i, layer in enumerate(layers):
            group = stored.create_group(f"l{i}")
            group.attrs["weight_names"] = [b"a", b"b"]
            group["a"], group["b"] = layer.get_weights()
    take_start(network, str(tmp_path / "o.h5"), "vgg16-face", LABELS)
    np.testing.assert_array_equal(
        network.get_layer("fc7").get_weights()[0], full.get_layer("fc7").get_weights()[0]
    )


@pytest.mark.usefixtures("narrow")
def test_what_does_not_fit_is_said_in_a_sentence(tmp_path: Path):
    file = tmp_path / "face.weights.h5"
    _published().save_weights(file)
    build = partial(catalog.build, labels=3)
    larger = build("vgg16-face", input_shape=(64, 64, 3))
    with pytest.raises(InputError, match="fc6 has 4x6 and 6 there and 16x6 and 6 here"):
        take_start(larger, str(file), "vgg16-face", _THREE)
    with pytest.raises(InputError, match="is of pictures in colour: set colour=true"):
        take_start(build("vgg16-face", input_shape=(32, 32, 1)), str(file), "vgg16-face", _THREE)
    with pytest.raises(InputError, match="set preparation=unit"):
        take_start(prepared(build("vgg16-face"), "picture"), str(file), "vgg16-face", _THREE)
    with pytest.raises(InputError, match="nobody knows what pictures published weights of bkmin"):
        take_start(build("bkmin", input_shape=(42, 42, 3)), str(file), "bkmin", _THREE)
    own = build("vgg11", input_shape=(32, 32, 3))
    own.save(tmp_path / "own.keras")
    with pytest.raises(InputError, match=r"own\.keras holds another network than vgg16.*missing"):
        take_start(
            build("vgg16-face", input_shape=(32, 32, 3)), str(tmp_path / "own.keras"), "vgg16-face", _THREE
        )
    for name, said in (("no.h5", "does not exist"), ("face.txt", "is neither a run folder")):
        (tmp_path / "face.txt").touch()
        with pytest.raises(InputError, match=said):
            take_start(own, str(tmp_path / name), "vgg11", _THREE)


def test_a_run_of_other_labels_gives_all_but_the_last_layer(tmp_path: Path):
    build = partial(catalog.build, "nn1", input_shape=(48, 48, 1))
    first = build(labels=3)
    run = Run(tmp_path / "run", "frame-cnn", {}, tmp_path)
    run.add(NetworkOfRun("nn1", "face", "pictures", _THREE, 48, False, 1.0, 1, 1), first, None)
    for labels, same in ((_THREE, True), (("a", "b", "c"), False), (LABELS, False)):
        other = build(labels=len(labels))
        take_start(other, str(run.folder), "nn1", labels)
        np.testing.assert_array_equal(
            other.get_layer("features").get_weights()[0], first.get_layer("features").get_weights()[0]
        )
        own, given = (model.get_layer(LOGITS_LAYER).get_weights()[0] for model in (other, first))
        assert np.array_equal(own, given) == same


def test_a_network_starts_from_a_run_of_its_beginning(tmp_path: Path):
    build = partial(catalog.build, labels=3, input_shape=(32, 32, 1))
    first = build("densenet121-reduced")
    run = Run(tmp_path / "run", "shallow-deep", {}, tmp_path)
    known = NetworkOfRun("densenet121-reduced", "face", "pictures", _THREE, 32, False, 1.0, 1, 1)
    run.add(known, first, None)
    whole = build("densenet121")
    take_start(whole, str(run.folder), "densenet121", _THREE)
    picture = np.random.default_rng(2).random((1, 32, 32, 1)).astype(np.float32)
    ends = [layer.output for layer in whole.layers if layer.output.shape == first.layers[-3].output.shape]
    said = [np.asarray(keras.Model(whole.input, end)(picture)) for end in ends]
    expected = np.asarray(keras.Model(first.input, first.layers[-3].output)(picture))
    assert expected.std() > 0
    assert any(np.allclose(one, expected, atol=1e-5) for one in said)
    with pytest.raises(InputError, match=r"holds another network than densenet121, .*7x7x1x64"):
        take_start(
            catalog.build("densenet121", labels=3, input_shape=(32, 32, 3)),
            str(run.folder),
            "densenet121",
            _THREE,
        )
    with pytest.raises(InputError, match="holds another network than nn1"):
        take_start(build("nn1"), str(run.folder), "nn1", _THREE)


def test_the_shipped_face_network_as_a_start():
    ships = BUILDERS["face_cnn"]()
    ships.load_weights(shipped("face_cnn.weights.h5").path)
    faces = np.random.default_rng(1).random((1, 32, 32, 1)).astype(np.float32)
    expected = np.asarray(ships(faces))
    for labels, same in ((LABELS, True), (("valence", "arousal"), False)):
        own = catalog.build("face-cnn", labels=len(labels))
        take_start(own, "shipped", "face-cnn", labels)
        embedded, logits = embedding_of(own)(faces)
        np.testing.assert_allclose(embedded, embedding_of(ships)(faces)[0], atol=1e-5)
        assert (logits.shape == expected.shape and np.allclose(logits, expected, atol=1e-5)) == same
    with pytest.raises(InputError, match="set network=face-cnn"):
        take_start(own, "shipped", "bkmin", LABELS)
    assert _shape(AffectOptions(network="face-cnn")) == (48, 48, 1)
    assert _shape(AffectOptions(network="resnet18")) == (224, 224, 3)


def test_files_of_weights_that_are_damaged_or_meant_ill(tmp_path: Path):
    given = keras.Input((4, 4, 1))
    model = keras.Model(given, keras.layers.Dense(2)(keras.layers.Conv2D(2, 3)(given)))
    model.save_weights(tmp_path / "new.weights.h5")
    _old_form(model, tmp_path / "old.h5")
    for name in ("new.weights.h5", "old.h5"):
        file = tmp_path / name
        assert len(read_layers(file, "x").weights) == 2
        survives(file, damaged_bytes, lambda file=file: read_layers(file, "x"), times=10)
    bad = tmp_path / "bad.h5"

    def refused(said: str, write: Callable[[Any], object]) -> None:
        with h5py.File(bad, "w") as stored:
            write(stored)
        with pytest.raises(InputError, match=said):
            read_layers(bad, "x")

    refused("unpacks to too much", lambda s: s.create_dataset("layers/a/vars/0", (2**31,), "f4", chunks=True))
    refused(
        "points to another file", lambda s: s.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/"))
    )
    refused("holds itself", lambda s: s.create_group("layers").__setitem__("layers", s["layers"]))
    refused("no weights of layers", lambda s: s.create_group("layers"))
    refused("does not say layer names", lambda s: s.create_group("conv"))
    refused(
        "something else than weights", lambda s: s.create_dataset("layers/a/vars/0", data=np.array([b"x"]))
    )
    refused("not all numbers", lambda s: s.create_dataset("layers/a/vars/0", data=np.array([np.nan])))


def test_the_last_layer_first_or_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model = catalog.build("nn1", labels=2)
    for frozen in (model, prepared(catalog.build("nn1"), "picture")):
        only_head(frozen)
        assert len(frozen.trainable_weights) == 2
    # A whole training, of which only the last layer may differ from where it began.
    monkeypatch.setattr("emoview.networks.vgg.WIDTHS", (2, 2, 2, 2, 2))
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((32, 32, 3), 40 * i, np.uint8))
    table = tmp_path / "t.csv"
    table.write_text(
        "frame,valence,arousal,video\n" + "".join(f"{i}.png,0.{i},-0.{i},{i}\n" for i in range(4))
    )
    start = catalog.build("vgg11", labels=7, input_shape=(32, 32, 3), pooling=True)
    monkeypatch.setattr("emoview.training.systems.affect.catalog.build", partial(catalog.build, pooling=True))
    start.save(tmp_path / "start.keras")
    options = AffectOptions(
        network="vgg11", size=32, batch=1, folds=2, start=str(tmp_path / "start.keras"), only_head=True,
        plan=AffectOptions().plan.__class__(1, 0.1, "sgd", keep="last"),
    )  # fmt: skip
    run = Run(tmp_path / "run", "valence-arousal", options, table)
    train_affect(options, table, run, lambda event: None)
    trained = load_network(run.folder, networks_of(run.folder)[0])
    *body, kernel, _ = trained.get_weights()
    for own, given in zip(body, start.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(own, given)
    assert kernel.shape == (2, 2)


def test_faces_are_found_and_cut_as_in_an_analysis(tmp_path: Path, sample: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "0.png"))
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((64, 64, 3), np.uint8))
    (tmp_path / "t.csv").write_text("frame,valence,arousal,video\n1.png,0,0,b\n0.png,0.5,-0.5,a\n")
    affect = read_affect(tmp_path / "t.csv")
    assert cut_as("given", affect, lambda event: None) is affect
    said: list[Any] = []
    found = cut_as("found", affect, said.append)
    assert (found.videos, found.values.tolist()) == (("a",), [[0.5, -0.5]])
    assert said[-1] == {"faces found": "1 of 2 frames; the others are left out"}
    with StillFaces() as stills:
        mesh = stills.mesh(affect.picture(1))
    assert mesh is not None
    np.testing.assert_array_equal(found.crop(0, 64), square_of_mesh(affect.picture(1), mesh, 64))
    assert found.face(0).shape[0] < min(affect.picture(1).shape[:2])
    blank = LabelledAffect(affect.frames[:1], affect.values[:1], None, ("b",))
    with pytest.raises(InputError, match="set faces=given"):
        cut_as("found", blank, lambda event: None)
