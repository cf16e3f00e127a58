"""Tables of a study for Stata, SPSS and R: names, labels and factors as another reader finds them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas
import pytest
from pandas.io.stata import StataReader

from emoview.study.codebook import _CLIPS, _EFFECTS, _OF_EVENT, _OF_LABEL, column_of
from emoview.study.stata import names_for, stata_file

CLIPS = pandas.DataFrame({
    "clip": ["anna-1", "Žofia-1", "anna-2"],
    "participant": ["007", "Žofia", "007"],
    "condition": ["neutral film", "calm", "neutral film"],
    "Age (years)": ["23", "", "23.5"],
    "if": ["x", "", "y"],
    "notes": ["a" * 3000, "ů", None],
    "label": ["happy", None, "sad"],
    "happy_mean": [0.25, np.nan, 0.1234567],
    "happy_segments": [3, 0, 2],
    "valence_mean": [-0.5, 0.0, 1.0],
})  # fmt: skip


def read(content: bytes) -> tuple[pandas.DataFrame, dict[str, str], dict[str, Any]]:
    with StataReader(io.BytesIO(content)) as reader:
        return reader.read(convert_categoricals=False), reader.variable_labels(), reader.value_labels()


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("clips.csv", (*_CLIPS, *(f"surprise_{end}" for end in _OF_LABEL))),
        ("events.csv", [f"surprise_{end}" for end in _OF_EVENT]),
        ("effects.csv", _EFFECTS),
    ],
)
def test_labels_of_variables_are_whole(table: str, names: Sequence[str]):
    # Stata cuts them off behind 80 characters, and with them the unit.
    for name in names:
        about = column_of(table, name)
        assert len(", ".join(filter(None, (about.meaning, about.unit or about.values)))) <= 80, name


def test_variables_have_names_labels_and_values():
    frame, labels, values = read(stata_file("clips.csv", CLIPS))
    assert list(frame) == [
        "clip", "participant", "condition", "Age_years", "v_if", "notes", "label", "happy_mean",
        "happy_segments", "valence_mean",
    ]  # fmt: skip
    assert labels["happy_mean"] == "Mean probability of happy, in face and voice together, probability"
    assert labels["valence_mean"] == "Mean valence, from -1 = unpleasant to 1 = pleasant"
    assert labels["Age_years"] == "Age (years)"
    assert frame["clip"].tolist() == list(CLIPS["clip"])
    # The first condition of the plan is the first value, not the first of the alphabet.
    assert frame["condition"].tolist() == [0, 1, 0]
    assert values["condition"] == {0: "neutral film", 1: "calm"}
    assert values["participant"] == {0: "007", 1: "Žofia"}
    assert frame["Age_years"].tolist() == [23, pytest.approx(np.nan, nan_ok=True), 23.5]
    assert frame["happy_mean"].tolist() == [0.25, pytest.approx(np.nan, nan_ok=True), 0.1234567]
    assert frame["happy_segments"].tolist() == [3, 0, 2]
    assert pandas.isna(frame["label"][1])
    assert frame["notes"].tolist() == ["a" * 500, "ů", ""]


def test_the_same_table_gives_the_same_bytes():
    assert stata_file("clips.csv", CLIPS) == stata_file("clips.csv", CLIPS)


def test_names_are_told_apart_and_none_is_a_word_of_the_programs():
    said = ["with", "With", "str12", "2nd", "größe", "a" * 40, "a" * 40 + "b", "..", "_n"]
    names = names_for(said)
    assert names[:5] == ["v_with", "v_With_2", "v_str12", "v_2nd", "gr_e"]
    assert len({name.lower() for name in names}) == len(said)
    assert max(map(len, names)) == 32
