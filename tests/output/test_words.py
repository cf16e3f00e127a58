"""What results say of what was looked for, and of what was not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_up import made_up

from emoview.cli import render
from emoview.cli.console import Screen
from emoview.output.methods import methods_text
from emoview.output.report import to_html
from emoview.output.words import facts_of, options_of, why_nothing
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis, Overall, Row

NOTHING: dict[str, Any] = {"faces": 0, "persons": 0, "face_share": 0.0, "speech_share": 0.0}
SILENT: dict[str, Any] = {"audio_codec": None, "audio_rate": None, "audio_channels": None}
SOUND: dict[str, Any] = {"width": None, "height": None, "video_codec": None}


def result(media: dict[str, Any], **options: Any) -> Analysis:
    """A result without a label."""
    made = made_up()
    return replace(
        made, media=replace(made.media, **media), options=replace(made.options, **options), segments=(),
        overall=Overall(None, None, None), timings={"total": 1.0}, timeline=tuple(Row(i) for i in range(100)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "looked_for", "why"),
    [
        (result(NOTHING), ["face", "speech"], "no face and no speech found"),
        (result(NOTHING, modality="face"), ["face"], "no face found"),
        (result({**NOTHING, **SILENT}), ["face"], "no face found"),
        (result(NOTHING, modality="voice"), ["speech"], "no speech found"),
        (result({**NOTHING, **SOUND}), ["speech"], "no speech found"),
        (result({"speech_share": 0.0}, min_quality=1.0), ["face", "speech"],
         "no face of the quality asked for and no speech found"),
        (replace(result({**SOUND, **SILENT}, modality="face"), source="OpenFace"), ["face"],
         "no labels in what OpenFace found"),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_was_not_looked_for(found: Analysis, looked_for: list[str], why: str):
    assert list(presence_of(found)) == looked_for
    assert why_nothing(found) == why
    out = io.StringIO()
    render.summary(Screen(out, width=120), found, [Path("talk.json")])
    page, facts = to_html(found, title="talk", origin="talk.json"), dict(facts_of(found))
    assert f"{why}: no result" in out.getvalue()
    assert f"{why[0].upper()}{why[1:]}: nothing to say." in page
    assert ("speech in" in out.getvalue()) == ("somebody speaks" in facts) == ("speech" in looked_for)
    assert ("face in" in out.getvalue()) == ("a face is seen" in facts) == ("face" in looked_for)
    assert ("face and voice disagree over" in page) == (len(looked_for) == 2)
    if found.source is None:
        text = " ".join(methods_text(found).split())
        assert ("had speech" in text) == ("speech" in looked_for)
        assert ("Video and audio were" in text) == (len(looked_for) == 2)


def test_faces_are_people():
    """Not tracks, which are more where there are cuts."""
    made = made_up()
    several = replace(made, media=replace(made.media, faces=12, persons=3))
    assert dict(facts_of(several))["faces"] == "3"


def test_the_limit_of_certain_labels_is_told_as_it_was_asked_for():
    made = made_up()
    asked = replace(made, options=replace(made.options, least_confidence=0.455))
    assert dict(options_of(asked))["uncertain below"] == "45.5%"
