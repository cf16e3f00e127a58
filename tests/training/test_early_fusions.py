"""Early fusions of clips: what they are made of, and what they start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from emoview import LABELS
from emoview.datasets.clips import ClipFile
from emoview.networks.choices import EARLY_VARIANTS, EarlyVariant
from emoview.networks.early_fusion import early_network
from emoview.networks.runs import Run
from emoview.networks.sizes import DESCRIPTORS, FUNCTIONALS
from emoview.training.clips import Clip
from emoview.training.systems import clip_fusion, clip_sequences
from emoview.training.systems.options import EARLY, ClipFusionOptions

EMBEDDING = 6


def grus(network: keras.Model) -> dict[str, keras.layers.Layer]:
    kinds = (keras.layers.GRU, keras.layers.Bidirectional)
    return {layer.name: layer for layer in network.layers if isinstance(layer, kinds)}


@pytest.mark.parametrize(
    ("variant", "count", "last"),
    [("descriptors", 2, 16), ("sound-gru", 4 + 2, 16), ("dense", 4, EMBEDDING + 8), ("two-grus", 8, 16)],
)
def test_layers_of_early_fusions(variant: EarlyVariant, count: int, last: int):
    """Norman 2019, section 4.4: the third classifies straight, the fourth joins the states of two GRUs."""
    network = early_network(
        variant, embedding=EMBEDDING, descriptors=DESCRIPTORS, units=8, sound_units=4, sound_depth=4
    )
    inside = grus(network)
    assert len(inside) == count
    assert ("voice_gru_4" in inside) == (variant != "descriptors")
    assert ("face_gru_2" in inside) == (variant == "two-grus")
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    assert [layer.name for layer in dense] == ["tick_logits"]
    assert dense[0].kernel.shape == (last, 7)


@pytest.fixture
def clips(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Six clips of three actors, described by random numbers."""
    rng = np.random.default_rng(0)
    for i in range(6):
        (tmp_path / f"{i}.mp4").write_bytes(bytes([i]))
    made = [
        Clip(
            ClipFile(tmp_path / f"{i}.mp4", "happy"), str(i // 2), LABELS.index("happy") - i % 2,
            np.arange(5), np.zeros((5, 112, 112), np.uint8),
            rng.normal(size=(9, DESCRIPTORS)).astype(np.float32), np.ones(9, bool),
            np.array([[0, 9]]), rng.normal(size=(1, FUNCTIONALS)).astype(np.float32),
        )
        for i in range(6)
    ]  # fmt: skip
    monkeypatch.setattr(clip_fusion, "read_clips", lambda *_, **__: made)
    monkeypatch.setattr(
        clip_sequences, "_embedder", lambda _: lambda clip: np.ones((len(clip.faces), EMBEDDING), np.float32)
    )
    return tmp_path


def test_fusions_start_from_the_networks_of_their_fold(clips: Path, monkeypatch: pytest.MonkeyPatch):
    """Norman 2019, section 4.4: "the weights from the training stages … were used to initialise"."""
    begun: dict[str, keras.Model] = {}
    learned: dict[str, keras.Model] = {}

    def fit(build: Any, *_: Any, name: str, **__: Any) -> keras.Model:
        """Learn something else each time."""
        begun[name], learned[name] = build(), build()
        rng = np.random.default_rng(len(begun))
        learned[name].set_weights([w + rng.normal(size=w.shape) for w in learned[name].get_weights()])
        return learned[name]

    stored: list[str] = []
    for name, instead in {
        "fit": fit,
        "report": lambda run, network, *_: stored.append(network.name),
        "_logits": lambda model, clips, index, options: np.eye(7, dtype=np.float32)[clips.labels[index]],
        "_flops": lambda *_: 1,
        "late_fusions": lambda *_: {},
    }.items():
        monkeypatch.setattr(clip_fusion, name, instead)
    options = ClipFusionOptions(
        units=3, depth=1, sound_units=2, sound_depth=2, length=9, networks=("early-two-grus", "early-dense")
    )
    run = Run(clips / "run", "clip-fusion", options, clips)
    clip_fusion.train(options, clips, run, lambda _: None)
    # What a fusion starts from is trained with it.
    assert stored == ["visual-gru", "sound-gru", "early-two-grus", "early-dense"]
    for left_out in ("without-0", "without-1", "without-2"):
        for fusion, side, alone, depth in (
            ("early-two-grus", "face", "visual-gru", 1),
            ("early-two-grus", "voice", "sound-gru", 2),
            ("early-dense", "voice", "sound-gru", 2),
        ):
            parts = list(grus(learned[f"{alone}/{left_out}"]).values())
            assert len(parts) == depth
            for number, part in enumerate(parts, start=1):
                start = grus(begun[f"{fusion}/{left_out}"])[f"{side}_gru_{number}"]
                for one, other in zip(start.get_weights(), part.get_weights(), strict=True):
                    np.testing.assert_array_equal(one, other)


def test_every_variant_is_a_network():
    assert [name.removeprefix("early-") for name in EARLY] == list(EARLY_VARIANTS)
