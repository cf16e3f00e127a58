"""What training ships: measured voices, and weights in half precision."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from trained import quiet, said_by

from emoview import InputError
from emoview.errors import DatasetError
from emoview.networks.half import round_to_half
from emoview.networks.saved import save_whole
from emoview.networks.shipped import build_voice_clip, build_voice_tcn
from emoview.networks.temporal import set_normalisation
from emoview.pipeline.engines import OnnxNetwork
from emoview.training.ship import _ship, ship_voice
from emoview.training.speech import SpeechFeatures, Utterance
from emoview.training.voice import VoiceRecipe
from emoview.training.voice_runs import keep_recipe, keep_recordings, recipe_of
from emoview.training.voice_splits import RAVDESS_FOLDS
from emoview.voice.features import VoiceFeatures


@pytest.mark.usefixtures("small_voices")
@pytest.mark.parametrize(
    "features",
    [VoiceFeatures.OPENSMILE, pytest.param(VoiceFeatures.BUILTIN, marks=pytest.mark.release)],
)
def test_voices_that_ship_are_measured_on_speakers_left_out_in_rooms_too(
    features: VoiceFeatures, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "emoview.training.voice.VoiceRecipe",
        lambda **given: VoiceRecipe(clip_epochs=30, batch=8, rooms=(True,), **given),
    )
    monkeypatch.setattr("emoview.training.voice_splits.RAVDESS_FOLDS", RAVDESS_FOLDS[:2])

    def untrained(speech: SpeechFeatures, recipe: VoiceRecipe) -> keras.Model:
        """Stands in for `train_ticks`, which is tested elsewhere and takes TensorFlow long to compile."""
        return build_voice_tcn(speech.ticks[0].shape[1], recipe.branches)

    monkeypatch.setattr("emoview.training.voice.train_ticks", untrained)
    # One take by each of four actors; two are left out in each fold. One is a second corpus, too.
    files = [f for f in sorted(speech.iterdir()) if f.stem[-5:] in {f"01-0{actor}" for actor in (2, 3, 5, 6)}]
    labels = {"01": "neutral", "03": "happy", "05": "anger"}
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += [f"{f.name},ravdess,{f.stem[-2:]},en,{labels[f.stem[6:8]]}," for f in files]
    more = [line.replace(",ravdess,02,en,", ",more,1,am,") for line in lines if ",02," in line]
    data = tmp_path / "data"
    for folder, rows in (
        ("speech", lines),
        ("speech_more", [lines[0], *more, "laugh.opus,more,9,,nv_laughing,"]),
    ):
        (data / folder).mkdir(parents=True)
        for file in files:
            shutil.copy(file, data / folder / file.name)
        (data / folder / "index.csv").write_text("\n".join(rows) + "\n")
    run, ship = tmp_path / "run", tmp_path / "ship"
    # What an earlier call trained is read back.
    keep_recipe(run, recipe_of(features), features)
    for corpus in ("ravdess", "more"):
        save_whole(build_voice_clip(features.functionals), run / f"voice_clip_without_{corpus}.weights.h5")
    ship_voice(data, run, ship, on_event=quiet, features=features, unheard=True)
    figures = json.loads((run / "voice_metrics.json").read_text())
    # Loud tones of three heights, by actors of two folds.
    for how in ("", "_in_room", "_on_telephone"):
        assert figures[f"ravdess{how}"]["examples"] == figures[f"language_en{how}"]["examples"] == 12
        assert set(figures[f"languages{how}"]["uar"]) == {"am", "en"}
        assert figures[f"speakers{how}"]["examples"] == 12 + figures[f"speakers_more{how}"]["examples"]
    assert set(figures["unheard"]["uar"]) == {"more", "ravdess"}
    assert figures["unheard"]["examples"] == 12 + len(more)
    assert figures["speakers"]["accuracy"]["value"] > 60
    heard = [figures[f"speakers{how}"]["calibration"] for how in ("", "_in_room", "_on_telephone")]
    assert heard[0] != heard[1] != heard[2] != heard[0]
    names = [f"{name}{features.suffix}" for name in ("voice_clip", "voice_tcn")]
    assert {f"{name}.{kind}" for name in names for kind in ("weights.h5", "onnx")} <= {
        file.name for file in ship.iterdir()
    }
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(data, run, ship, on_event=quiet, features=next(f for f in VoiceFeatures if f != features))


@pytest.mark.parametrize(("speakers", "unheard"), [("1", False), ("13", False), ("12", True)])
def test_too_few_voices_are_refused_before_anything_is_trained(
    speakers: str, unheard: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Of one speaker nothing is learned about another; of one corpus nothing about one never heard."""
    utterances = tuple(
        # The words of the third speaker give away the label, so that nothing is asked.
        Utterance(tmp_path, "c", who, label, sentence=label if who == "3" else "")
        for who in speakers
        for label in ("happy", "sad")
    )
    nothing = np.zeros(len(utterances), np.int64)
    spoken = SpeechFeatures(utterances, (np.zeros((2, 105), np.float32),) * len(nothing), nothing, nothing)
    monkeypatch.setattr("emoview.training.ship.described_speech", lambda *_: spoken)
    monkeypatch.setattr("emoview.training.ship.networks_of", lambda *_: pytest.fail("trained"))
    with pytest.raises(InputError, match="add recordings"):
        ship_voice(tmp_path, tmp_path / "run", tmp_path / "ship", on_event=quiet, unheard=unheard)


def test_networks_of_other_recordings_are_not_asked(tmp_path: Path):
    """With more speakers other ones are left out: a network would be asked about whom it learned from."""

    def spoken(speakers: str) -> SpeechFeatures:
        utterances = tuple(Utterance(tmp_path / f"{who}.wav", "c", who, "happy") for who in speakers)
        nothing = np.zeros(len(utterances), np.int64)
        return SpeechFeatures(utterances, (np.zeros((2, 105), np.float32),) * len(nothing), nothing, nothing)

    run = tmp_path / "run"
    keep_recordings(run, spoken("12"))
    keep_recordings(run, spoken("123"))
    (run / "voice_clip_fold_0.weights.h5").touch()
    keep_recordings(run, spoken("312"))
    with pytest.raises(InputError, match="holds networks of other recordings: name another folder"):
        keep_recordings(run, spoken("1234"))


def test_a_run_of_another_recipe_is_not_gone_on_with(tmp_path: Path):
    data, run = tmp_path / "no-data", tmp_path / "run"
    run.mkdir()
    (run / "voice_clip.weights.h5").touch()
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(data, run, tmp_path, on_event=quiet)
    (run / "voice_clip.weights.h5").unlink()
    # A new folder notes its recipe, and then looks for the data.
    for _ in range(2):
        with pytest.raises(DatasetError, match="no-data"):
            ship_voice(data, run, tmp_path, on_event=quiet)
    noted = json.loads((run / "voice_recipe.json").read_text())
    (run / "voice_recipe.json").write_text(json.dumps({**noted, "seed": 2}))
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(data, run, tmp_path, on_event=quiet)


def test_networks_ship_in_half_precision(tmp_path: Path):
    rng = np.random.default_rng(0)
    network = build_voice_tcn()
    # What half precision cannot hold, and what would not shrink the file, stays as it is.
    set_normalisation(network, np.full(105, 1e5), np.full(105, 1e6))
    # Longer than what is around a tick.
    inputs = 1e5 + 1e3 * rng.standard_normal((1, 200, 105)).astype(np.float32)
    mask = np.ones((1, 200), bool)
    exact = said_by(network, (inputs, mask))
    network.save_weights(tmp_path / "exact.weights.h5")
    _ship(network, "voice_tcn", tmp_path)
    file = tmp_path / "voice_tcn.weights.h5"
    assert file.stat().st_size < 0.6 * (tmp_path / "exact.weights.h5").stat().st_size
    assert (tmp_path / "voice_tcn.onnx").stat().st_size < 0.6 * (tmp_path / "exact.weights.h5").stat().st_size
    again = build_voice_tcn()
    again.load_weights(file)
    for stored, weight in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(stored, weight)
    shipped_network = OnnxNetwork(tmp_path / "voice_tcn.onnx")
    answers = said_by(again, (inputs, mask)), shipped_network.predict_on_batch((inputs, mask))
    for answer in answers:
        for found, expected in zip(answer, exact, strict=True):
            assert 0 < np.abs(found - expected).max() < 5e-3 * np.abs(expected).max()
    np.testing.assert_allclose(answers[0][1], answers[1][1], atol=1e-4)
    kernel = network.get_layer("logits_0").kernel
    kernel.assign(np.full(kernel.shape, 1e6))
    with pytest.raises(ValueError, match="beyond the range"):
        round_to_half(network)
