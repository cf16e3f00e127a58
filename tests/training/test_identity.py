"""Whose a face is: the layer over the face network's maps, and how it is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from trained import quiet

from emoview.datasets.clips import ClipFile
from emoview.errors import DatasetError
from emoview.networks.onnx_export import export_onnx
from emoview.networks.shipped import build_face_identity
from emoview.networks.sizes import FACE_MAPS, IDENTITY
from emoview.pipeline.engines import OnnxNetwork
from emoview.pipeline.models import Models
from emoview.training.persons import Looks, area_for_strangers, fit_identity, train_persons

RNG = np.random.default_rng(4)
PORTRAIT = Path(__file__).parents[2] / "samples" / "portrait.mp4"


def looks(people: int, each: int = 24) -> Looks:
    """Two looks of one person differ more than people do, in other directions."""
    who = np.repeat(np.arange(people), each)
    own = np.zeros((people, 1152))
    own[:, :20] = RNG.normal(0, 1, (people, 20))
    shown = np.zeros((len(who), 1152))
    shown[:, 20:60] = RNG.normal(0, 2, (len(who), 40))
    maps = own[who] + shown + RNG.normal(0, 0.2, (len(who), 1152))
    return Looks(np.array([f"p{i}" for i in who]), np.arange(len(who)) // 2, maps)


def test_strangers_are_told_apart_by_what_does_not_change_in_a_person():
    made = looks(9)
    plain = made.maps / np.linalg.norm(made.maps, axis=1, keepdims=True)
    same = made.people[:, None] == made.people
    apart = made.clips[:, None] != made.clips
    alike = plain @ plain.T
    assert alike[same & apart].mean() - alike[~same].mean() < 0.15
    directions = np.eye(1152)[:, :IDENTITY]
    mean, least = area_for_strangers(made, directions)
    assert mean > 0.99
    assert 0.95 < least <= mean
    kernel, bias = fit_identity(made, directions)
    middle = np.stack([made.maps[made.people == person].mean(axis=0) for person in np.unique(made.people)])
    np.testing.assert_allclose(middle.mean(axis=0) @ kernel + bias, 0, atol=1e-9)


def test_nothing_is_told_apart_where_nothing_differs():
    noise = Looks(np.repeat([f"p{i}" for i in range(9)], 20), np.arange(180), RNG.normal(size=(180, 1152)))
    mean, _ = area_for_strangers(noise, np.eye(1152)[:, :IDENTITY])
    assert abs(mean - 0.5) < 0.05


def test_the_network_gives_what_the_layer_says(tmp_path: Path):
    network = build_face_identity()
    kernel, bias = RNG.normal(0, 0.03, (1152, IDENTITY)).astype(np.float32), RNG.normal(size=IDENTITY)
    network.get_layer("whitened").set_weights([kernel.reshape(3, 3, 128, IDENTITY), bias])
    export_onnx(network, tmp_path / "identity.onnx")
    maps = RNG.normal(size=(5, *FACE_MAPS)).astype(np.float32)
    wanted = maps.reshape(5, 3, 2, 3, 2, 128).mean(axis=(2, 4)).reshape(5, -1) @ kernel + bias
    told = OnnxNetwork(tmp_path / "identity.onnx").predict_on_batch(maps)
    np.testing.assert_allclose(told, wanted, atol=0.02)
    np.testing.assert_allclose(network.predict_on_batch(maps), wanted, atol=1e-4)


def test_too_few_people_are_refused():
    files = [ClipFile(PORTRAIT, "happy", actor=f"{i}") for i in range(2)]
    with pytest.raises(DatasetError, match="2 people act in the clips: 6 are needed"):
        train_persons(files, [], Models().face_maps, on_event=quiet)
