"""The paragraph for a paper, and where numbers come from."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pyarrow.parquet
import pytest
from made_up import made_up

from emoview.output.json import SCHEMA_VERSION, to_json
from emoview.output.methods import methods_text
from emoview.output.parquet import parquet_file
from emoview.timeline.results import WeightUsed


def _text(**changes) -> str:
    analysis = replace(made_up(), version="9.8.7")
    if "used" in changes:
        changes["weights"] = tuple(WeightUsed(name, "1" * 64) for name in changes.pop("used"))
        return " ".join(methods_text(replace(analysis, **changes)).split())
    options = {name: changes.pop(name) for name in list(changes) if hasattr(analysis.options, name)}
    return " ".join(
        methods_text(replace(analysis, **changes, options=replace(analysis.options, **options))).split()
    )


def test_the_paragraph_is_filled_in():
    text = _text()
    assert "emoview 9.8.7 (weights by SHA-256: face_cnn.weights.h5 000000000000)" in text
    assert "late fusion of their logits." in text
    assert "80% had a face and 75% had speech" in text
    assert "version = {9.8.7}" in text
    assert "VERSION" not in text


@pytest.mark.parametrize(
    ("changes", "said", "unsaid"),
    [
        ({"modality": "voice", "fusion_used": "none"}, "The recording was resampled", "MediaPipe face mesh"),
        ({"voice_features": "builtin"}, "descriptors and functionals of emoview's own", "openSMILE"),
        ({"baseline": "p.json", "baseline_clips": {"face": 23}}, "from 23 recordings (face)", "N recordings"),
        # Also of the face alone.
        (
            {"fusion_used": "none", "baseline": "p.json", "baseline_clips": {"face": 23}},
            "Labels were given relative to the participant's baseline, learned from 23 recordings",
            "combined",
        ),
        ({"min_quality": 0.8}, "Faces of a quality below 0.8 were left out.", "uncertain"),
        ({"affect": "estimated"}, "estimated from the face", "Russell"),
        ({"labels": 3}, "3 labels (positive, neutral, negative)", "7 labels"),
        ({"least_confidence": 0.4}, "below a probability of 0.4", "7 %"),
        ({"used": ("mine.keras",)}, "a network of our own (mine.keras)", "excitation"),
        # Networks of several runs may be called alike; the labels of a face are not what one of them tells.
        (
            {"used": ("affect/a.keras", "voice/b.keras", "face_cnn.onnx"), "affect": "estimated"},
            "Speech was found by voice activity detection and classified by a network of our own (b.keras).",
            "(a.keras, b.keras)",
        ),
        ({"used": ("affect/a.keras",), "affect": "estimated"}, "a network of our own (a.keras).", "(1977)"),
    ],
)  # fmt: skip
def test_what_was_done_is_what_is_said(changes: dict, said: str, unsaid: str):
    text = _text(**changes)
    assert said in text
    assert unsaid not in text


def test_json_and_parquet_say_where_the_numbers_come_from():
    made = made_up()
    analysis = replace(
        made, version="9.8.7", baseline_clips={"face": 3}, media=replace(made.media, sha256="ab" * 32)
    )
    document = json.loads(to_json(analysis))
    assert (document["version"], document["baseline_clips"]) == ("9.8.7", {"face": 3})
    metadata = pyarrow.parquet.read_schema(io.BytesIO(parquet_file(analysis, None))).metadata
    told = json.loads(metadata[b"emoview"])
    assert (told["version"], told["schema_version"]) == ("9.8.7", SCHEMA_VERSION)
    assert told["media"]["sha256"] == document["media"]["sha256"] == "ab" * 32
    assert told["weights"] == document["weights"]
