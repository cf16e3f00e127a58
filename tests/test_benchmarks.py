"""The benchmark runs, and its tables have their form."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
from benchmarks import copies, gpu, studies
from benchmarks.clips import SPEED, make
from benchmarks.table import Fact, Speed, document, markdown
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.study.tables import clips_table, ticks_table

MACHINE = {"processor": "made up", "cores": "2"}


def test_ratios_are_those_of_the_medians():
    speeds = [Speed("720p", "emoview", [90, 110, 100], [400, 500, 450], 1, {"find": 2.0}),
              Speed("720p", "floor", [125, 120, 130]), Speed("720p", "fer", [20, 25, 10])]  # fmt: skip
    found = document(MACHINE, speeds, [Fact("help", 0.25, "s")])
    assert found["speed"][0]["median"] == 100
    assert found["speed"][0]["ratio_to"] == {"floor": 0.8, "fer": 5.0}
    lines = markdown(MACHINE, speeds, [Fact("help", 0.25, "s")]).splitlines()
    assert "| 720p | 1 | 100.0 | 125.0 | 20.0 | 0.80 | 5.00 | 450 |" in lines
    assert "| 720p | 2.00 |" in lines
    assert "| help | 0.25 s |" in lines


def test_made_up_studies_have_the_effect_that_they_are_said_to_have():
    often = {"calm": 0.0, "film": 1.0}
    rows, results = studies.study(np.random.default_rng(0), often, people=4, each=2, ticks=20)
    table = clips_table(rows, ticks_table(rows, results), results)
    calm, film = (table.loc[table["condition"] == name, "happy_mean"].mean() for name in often)
    assert film - calm == pytest.approx(2 * studies.effect(2000), abs=0.1)


def test_every_shipped_network_of_an_analysis_is_measured_on_a_card_and_without_one():
    for on_card in (True, False):
        cells = gpu._cells(on_card)
        assert len(set(cells)) == len(cells)
        assert {cell[0] for cell in cells if cell[3] == "float32"} == {
            "face_cnn", "voice_clip", "speaker", "voice_tcn", "face_gru", "early_fusion",
        }  # fmt: skip
        assert {cell[2] for cell in cells} == {0, 48, 64, 80}
    assert {cell[1] for cell in gpu._cells(True) if cell[2] == 48} == {32, 128, 512, 2048, 8192}


def test_a_row_that_differs_between_devices_is_found():
    def result(*fused: float) -> SimpleNamespace:
        row = SimpleNamespace(
            tick=0, face_id=1, label=str(np.argmax(fused)), face=None, voice=None, fused=fused
        )
        return SimpleNamespace(timeline=[row])

    assert gpu._compared(result(0.5, 0.4), result(0.5, 0.4)) == {"same_labels": 1, "max_abs_probability": 0}
    found = gpu._compared(result(0.5, 0.4), result(0.4, 0.5))
    assert found == {"same_labels": 0, "max_abs_probability": pytest.approx(0.1)}
    other = result(0.5, 0.4)
    other.timeline[0].voice = (0.5, 0.5)
    with pytest.raises(SystemExit, match="voice is there on one device alone"):
        gpu._compared(result(0.5, 0.4), other)


@pytest.mark.parametrize("name", ["720p, variable rate", "720p, 60 Hz"])
def test_clips_are_of_their_kind(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmarks.clips._LOOP_S", 2)
    kind = replace(next(kind for kind in SPEED if kind.name == name), seconds=4)
    media = probe(make(kind, tmp_path))
    assert media.video is not None
    assert (media.video.width, media.video.height) == (1280, 720)
    assert media.duration_s == pytest.approx(4, abs=0.3)
    with PictureDecoder(media, longest_side=32) as decoder:
        assert sum(1 for _ in decoder) == pytest.approx(100, abs=8)
    if kind.rate:
        assert media.video.rate == pytest.approx(kind.rate, rel=0.02)


def test_a_quick_run_writes_both_tables(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "-o", str(tmp_path)],
        check=True, cwd=ROOT, capture_output=True,
    )  # fmt: skip
    found = json.loads((tmp_path / "speed.json").read_text())
    assert {row["tool"] for row in found["speed"]} == {"emoview", "floor"}
    own = found["speed"][0]
    assert own["faces"] == 1
    assert own["memory_mb"][0] > 50
    assert own["stages"]["find"] > 0
    assert {fact["unit"] for fact in found["facts"]} == {"s"}
    assert "emoview / floor" in (tmp_path / "speed.md").read_text()


def test_conversations_need_their_data(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.conversations", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert (
        done.stderr
        == f"{tmp_path} lacks clips/index.csv or speech/index.csv: name the folder with the data\n"
    )


def test_the_diarisation_error_counts_what_is_missed_false_and_confused():
    from benchmarks.conversations import errors_of

    truth = np.repeat([0, 1, -1], [40, 40, 20])
    assert errors_of(truth, np.repeat([5, 2, -1], [40, 40, 20])) == (0, 0, 0)
    assert errors_of(truth, np.repeat([5, 2, -1], [48, 32, 20])) == pytest.approx((0, 0, 10))
    assert errors_of(truth, np.repeat([-1, 5, 2, -1], [8, 32, 48, 12])) == pytest.approx((10, 10, 0))
    assert errors_of(truth, np.zeros(100, int)) == pytest.approx((0, 25, 50))


def test_pauses_of_half_a_second_are_no_error_of_turns():
    from benchmarks.conversations import errors_of, with_pauses

    truth = np.repeat([0, -1, 0, -1, 1], [40, 12, 40, 12, 40])
    whole = np.repeat([0, -1, 1], [92, 12, 40])
    np.testing.assert_array_equal(with_pauses(truth), whole)
    assert errors_of(with_pauses(truth), with_pauses(whole)) == (0, 0, 0)
    assert errors_of(truth, whole) == pytest.approx((0, 10, 0))
    longer = np.repeat([0, -1, 0], [40, 13, 40])
    np.testing.assert_array_equal(with_pauses(longer), longer)


def test_speech_is_what_lies_less_than_16_db_below_its_mean_level():
    from benchmarks.conversations import spoken_in

    rng = np.random.default_rng(0)
    level_db = np.repeat([-60, 0, -60, -12, -25, -60], [25, 50, 3, 25, 25, 25])
    sound = rng.standard_normal(640 * len(level_db)) * np.repeat(10 ** (level_db / 20), 640)
    # A pause of 0.12 s is bridged, and 0.2 s behind the last word are speech still.
    expected = np.repeat([False, True, False], [25, 50 + 3 + 25 + 5, 45])
    assert (spoken_in(sound.astype(np.float32)) != expected).sum() <= 2
    assert not spoken_in(np.zeros(6400, np.float32)).any()


def test_pictures_cut_and_coloured_otherwise_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rng = np.random.default_rng(0)
    for part, seeds in (("train", (0, 1, 2)), ("valid", (1, 3))):
        folder = tmp_path / part / "happy"
        folder.mkdir(parents=True)
        for seed in seeds:
            rough = np.random.default_rng(seed).integers(40, 220, (6, 6, 3), dtype=np.uint8)
            face = cv2.resize(rough, (112, 112), interpolation=cv2.INTER_CUBIC)
            if part == "valid":
                face = cv2.resize(face[2:-2, 2:-2] // 2 + rng.integers(20, 24), (112, 112))
            cv2.imwrite(str(folder / f"{seed}.png"), face)
    copies.main([str(tmp_path), "--table", str(tmp_path / "copies.csv")])
    assert "1 of 2 pictures of" in capsys.readouterr().out
    assert (tmp_path / "copies.csv").read_text() == "id,copy\nhappy/1.png,yes\nhappy/3.png,no\n"
