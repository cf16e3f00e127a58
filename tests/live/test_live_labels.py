"""What viewers are shown: labels by votes, as the network-camera demonstration presents them."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from live_parts import face_now, moment_of
from rich.console import Console

from emoview.cli.render_live import view
from emoview.errors import InputError
from emoview.live.settings import EMOVIEW, NETWORK_CAMERA, PRESETS, Labels, Settings


def shown(labels: list[str | None], settings: Settings, **places: float) -> list[str | None]:
    """Show a face, picture by picture; None is a picture without it."""
    labelling, result = Labels(), []
    for tick, label in enumerate(labels):
        faces = () if label is None else (face_now(0, label, x=100 + 10 * places.get("step", 0) * tick),)
        result.append(labelling.show(moment_of(tick, *faces), settings).get(0))
    return result


def test_ours_shows_each_picture_s_label():
    assert shown(["happy", "sad", "sad", "fear"], EMOVIEW) == ["happy", "sad", "sad", "fear"]


def test_every_third_picture_predicts_and_every_ninth_presents():
    # Predicted are pictures 0, 3 and 6: two say sad, and the others are not asked.
    pictures = ["happy", "fear", "fear", "sad", "fear", "fear", "sad", "fear", "fear", "anger"]
    assert shown(pictures, NETWORK_CAMERA) == [None] * 8 + ["sad", "sad"]


def test_of_a_tie_the_first_wins():
    settings = Settings(prediction_frequency=1, label_frequency=4)
    assert shown(["sad", "happy", "happy", "sad"], settings)[-1] == "sad"


def test_a_lost_face_has_no_label_unless_enough_was_seen():
    # Three predictions make a label; of one, that is less than half, there is none.
    settings = Settings(prediction_frequency=1, label_frequency=6)
    gone = ["happy", None, None, None, None, "happy"]
    assert shown(gone, settings)[-1] is None
    enough = ["happy", "happy", None, None, None, "happy"]
    assert shown(enough, settings)[-1] == "happy"


def test_a_face_that_jumps_is_lost_until_the_next_label():
    settings = Settings(tracking_sense=30, prediction_frequency=1, label_frequency=4)
    still = shown(["happy"] * 8, settings, step=1)
    jumping = shown(["happy"] * 8, settings, step=9)
    assert still[-1] == "happy"
    assert jumping[-1] is None


def test_below_the_prediction_sense_a_label_is_uncertain():
    labelling = Labels()
    moment = moment_of(0, face_now(0, "happy", share=0.34), face_now(1, "sad", share=0.36))
    settings = Settings(prediction_sense=35)
    assert labelling.show(moment, settings) == {0: "uncertain", 1: "sad"}


def test_spectra_group_labels():
    for spectra, label in ((3, "negative"), (2, "other")):
        assert shown(["anger"], Settings(spectra=spectra)) == [label]


def test_the_terminal_shows_the_labels_that_are_told_apart():
    moment = moment_of(0, face_now(0, "anger"), voice="sad")
    settings = Settings(spectra=3, prediction_sense=80)
    source: Any = SimpleNamespace(facts=SimpleNamespace(path="0"), state="live", message="")
    pace = SimpleNamespace(rate_hz=25, delay_ms=40, delay_p95_ms=50, dropped=0)
    update: Any = SimpleNamespace(
        moment=moment,
        settings=settings,
        labels=Labels().show(moment, settings),
        pace=pace,
        zero_left_s=None,
        zero_failed=True,
    )
    drawn = io.StringIO()
    session: Any = SimpleNamespace(state=source)
    Console(file=drawn, width=100).print(view(session, update, ""))
    bars = [line.split()[0] for line in drawn.getvalue().splitlines() if "·" in line]
    assert bars == ["positive", "neutral", "negative"]
    assert "face 0   negative " in drawn.getvalue()
    assert "voice: uncertain 75%" in drawn.getvalue()
    assert "no zero was taken" in drawn.getvalue()


@pytest.mark.parametrize(
    "changes",
    [{"spectra": 5}, {"prediction_sense": 101}, {"prediction_frequency": 0}, {"tracking_sense": -1},
     {"smoothing_s": "long"}, {"colour": "red"}, {"label_frequency": 1e9}, {"camera": "x" * 301}],
)  # fmt: skip
def test_what_no_setting_can_be_is_refused(changes):
    with pytest.raises(InputError, match="cannot be"):
        EMOVIEW.changed(changes)


def test_the_preset_of_the_demonstration():
    preset = PRESETS["network camera"]
    assert (preset.prediction_frequency, preset.label_frequency) == (3, 9)
    assert 30 <= preset.prediction_sense <= 40
