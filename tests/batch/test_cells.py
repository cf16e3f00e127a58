"""Text from outside in tables and JSON."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoview import Options
from emoview.batch.inputs import Clip
from emoview.batch.record import Wanted
from emoview.batch.summary import row_of_failure, write_summary
from emoview.common.text import json_of, name_of, shown
from emoview.output.cells import cell_of, text_of
from emoview.output.summary_table import failures_of

NASTY = (
    "=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "＋1", "－1", "＠a", "'=1", "''@",
    "\x1b[31mred", "\x07bell", "a\u202eb", "\x9b31m", "a\nb", "a\u2028b", "[red]x[/red]", "<b>&\"'", "\udcff",
    "\ufeff=1",
)  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(NASTY) | st.text())
def test_a_cell_is_harmless_and_read_back(text: str):
    cell = cell_of(text)
    assert cell.isprintable()
    assert not cell.lstrip(" ").startswith(tuple("=+-@＝＋－＠"))
    assert text_of(cell) == name_of(text)


@settings(deadline=None)
@given(
    st.sampled_from(NASTY) | st.text() | st.dictionaries(st.text(), st.floats(allow_nan=False) | st.text())
)
def test_json_shows_what_it_holds(value: object):
    if "inf" in repr(value):
        return
    text = json_of(value)
    assert text.isprintable()
    # Half a character, which no JSON may hold, becomes the text that shows it.
    whole = {shown(k): _shown(v) for k, v in value.items()} if isinstance(value, dict) else _shown(value)
    assert json.loads(text) == whole


def _shown(value: object) -> object:
    return shown(value) if isinstance(value, str) else value


@pytest.mark.parametrize("text", NASTY)
def test_a_summary_holds_nothing_that_runs(text: str, tmp_path: Path):
    row = row_of_failure(Clip(Path(text), text), f"{text} is no good")
    row |= {"warnings": [text], "label": text, "confidence": -0.5}
    write_summary(tmp_path, Wanted(Options(), ("csv",)), [row])
    with (tmp_path / "summary.csv").open(newline="", encoding="utf-8") as file:
        (read,) = csv.DictReader(file)
    for cell in read.values():
        assert cell == "-0.5" or not cell.strip().startswith(tuple("=+-@＝＋－＠"))
        assert cell.isprintable()
    stored = json.loads((tmp_path / "summary.json").read_text("utf-8"))["clips"][0]
    assert stored["name"].encode(errors="backslashreplace") == text.encode(errors="backslashreplace")
    assert failures_of(tmp_path / "summary.csv") == [name_of(row["error"])]
