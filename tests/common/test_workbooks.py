"""Workbooks of Excel: what stands in their cells comes out as it was meant, or is refused."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from emoview import DatasetError, InputError
from emoview.batch.lists import read_list
from emoview.common.tables import hint_of, seconds_in
from emoview.common.workbooks import workbook_as_text
from emoview.datasets.tables import read_table
from emoview.evaluation.annotations import Annotation, read_annotations
from emoview.study.plan import Event, read_plan

Cells = list[list[Any]]


def workbook(*sheets: Cells, change: Callable[[openpyxl.Workbook], None] = lambda _: None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, cells in enumerate(sheets):
        sheet = book.create_sheet(f"sheet {number}")
        for row in cells:
            sheet.append(row)
    change(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def cell_of(value: Any, code: str | None = None) -> str:
    def formatted(book: openpyxl.Workbook) -> None:
        if code is not None:
            book.worksheets[0]["A1"].number_format = code

    return workbook_as_text(workbook([[value]], change=formatted), "a.xlsx").strip().strip('"')


@pytest.mark.parametrize(
    ("value", "code", "seconds"),
    [
        (62.5, None, 62.5),
        (3, None, 3),
        # As Excel stores 0:01:02.5: a part of a day, and a format.
        (62.5 / 86400, "mm:ss.0", 62.5),
        (62 / 86400, "h:mm:ss", 62),
        (5401.04 / 86400, "hh:mm:ss.000;@", 5401.04),
        (90000 / 86400, "[h]:mm:ss", 90000),
        (90061.5 / 86400, "h:mm:ss", 90061.5),
        (75 / 86400, "[mm]:ss", 75),
        (time(0, 1, 2, 40000), None, 62.04),
        (timedelta(minutes=1, seconds=2), None, 62),
        # Computed, and only shown without its seconds.
        (62 / 86400, "h:mm", 62),
        ("1:02,5", None, 62.5),
    ],
)
def test_times_are_seconds(value: Any, code: str | None, seconds: float):
    assert seconds_in(cell_of(value, code)) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize("code", ["h:mm", "hh:mm", "h:mm AM/PM", "[h]:mm", 'h:mm "o\'clock, s"'])
def test_a_time_of_hours_and_minutes_is_not_taken_for_minutes_and_seconds(code: str):
    assert cell_of(3720 / 86400, code) == "1:02 h"
    with pytest.raises(ValueError, match="1:02 h"):
        seconds_in(cell_of(3720 / 86400, code))
    assert "took it for hours and minutes; type 0:01:02" in hint_of(cell_of(3720 / 86400, code))
    assert hint_of("1:02:61") == ""


def test_other_cells_are_text():
    assert cell_of(0.1) == "0.1"
    assert cell_of(7.0) == "7"
    assert cell_of(True) == "True"
    assert cell_of(date(2024, 3, 1)) == "2024-03-01"
    assert cell_of(datetime(2024, 3, 1), "dd/mm/yyyy") == "2024-03-01"
    assert cell_of(datetime(2024, 3, 1), "dd/mm/yyyy hh:mm") == "2024-03-01 00:00:00"
    assert cell_of(datetime(2024, 3, 1, 14, 30)) == "2024-03-01 14:30:00"
    assert cell_of("two\nlines") == "two lines"


def test_what_excel_counts_from_1904_is_the_same():
    def mac(book: openpyxl.Workbook) -> None:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        book.worksheets[0]["A3"].number_format = "h:mm:ss"

    cells = [[time(0, 1, 2)], [timedelta(hours=30)], [90061.5 / 86400]]
    text = workbook_as_text(workbook(cells, change=mac), "a.xlsx")
    assert text == '"0:01:02"\n"30:00:00"\n"25:01:01.5"\n'


def test_annotations_come_from_a_workbook(tmp_path: Path):
    rows = [
        ["Onset", "Offset", "Code", None],
        [time(0, 0, 1, 500000), time(0, 0, 3), "happy; then, sad", "a note"],
        [4, 5.25, "sad"],
    ]
    path = tmp_path / "coder.xlsx"
    path.write_bytes(workbook(rows, []))
    assert read_annotations(path) == [Annotation(1.5, 3.0, "happy; then, sad"), Annotation(4.0, 5.25, "sad")]


def test_rows_are_counted_as_the_spreadsheet_counts_them(tmp_path: Path):
    path = tmp_path / "coder.xlsx"
    path.write_bytes(workbook([["start_s", "end_s", "label"], [], [1, 2, "a\nb"], [5, "late", "c"]]))
    with pytest.raises(InputError, match="line 4: 'late' is not a time"):
        read_annotations(path)


def test_a_list_is_a_workbook(tmp_path: Path):
    path = tmp_path / "clips.xlsx"
    path.write_bytes(
        workbook([["path", "start_s", "end_s", "participant"], ["a, b.mp4", time(0, 1, 30), 95, 7.0]])
    )
    (entry,) = read_list(path)
    assert (entry.text, entry.stretch.start_s, entry.stretch.end_s) == ("a, b.mp4", 90, 95)
    assert dict(entry.further) == {"participant": "7"}
    # A single column, whose names hold what else separates columns.
    path.write_bytes(workbook([["path"], ["a, b; c.mp4"]]))
    assert [entry.text for entry in read_list(path)] == ["a, b; c.mp4"]


def test_one_sheet_is_meant():
    cells = [["path"], ["a.mp4"]]
    with pytest.raises(
        InputError, match=r"with 2 sheets that hold something \(sheet 0, sheet 1\), .*: hide the others"
    ):
        workbook_as_text(workbook(cells, cells), "a.xlsx")

    def hide(book: openpyxl.Workbook) -> None:
        book.worksheets[0].sheet_state = "hidden"

    text = workbook_as_text(workbook([["legend"]], cells, change=hide), "a.xlsx")
    assert text == '"path"\n"a.mp4"\n'
    with pytest.raises(InputError, match=r"with 0 sheets"):
        workbook_as_text(workbook([[]]), "a.xlsx")


def test_a_formula_that_nobody_computed_is_refused():
    with pytest.raises(InputError, match="A2 is a formula without its value"):
        workbook_as_text(workbook([["start_s"], ["=1+1"]]), "a.xlsx")


def _repacked(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for one in old.infolist():
            new.writestr(one.filename, change(one.filename, old.read(one)))
    return file.getvalue()


def test_what_is_no_workbook_of_excel_is_refused_in_a_sentence():
    good = workbook([["path"], ["a.mp4"]])
    sheet = "xl/worksheets/sheet1.xml"
    cases = {
        "old Excel or another program, or has a password": b"\xd0\xcf\x11\xe0 old",
        "as it is damaged": good[: len(good) // 2],
        "of another program than Excel": _zip("content.xml", b"<ods/>"),
        "cannot be read": _repacked(good, lambda n, data: data[: len(data) // 2] if n == sheet else data),
        "more than a table needs": _repacked(good, lambda n, data: b" " * 2**27 if n == sheet else data),
        "too many rows": _repacked(good, lambda n, data: data.replace(b'r="2"', b'r="2000000000"')),
        "with 0 sheets": _repacked(
            good,
            lambda n, data: data.replace(b'r="1"', b'r="2000000000"').replace(b'r="2"', b'r="2000000001"'),
        ),
        "too many rows or columns": _repacked(good, lambda n, data: data.replace(b'r="A2"', b'r="ZZZ2"')),
    }
    for words, content in cases.items():
        with pytest.raises(InputError, match=words):
            workbook_as_text(content, "a.xlsx")


def _zip(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, data)
    return file.getvalue()


def test_a_table_of_a_data_set_is_a_workbook(tmp_path: Path):
    path = tmp_path / "attributes.xlsx"
    path.write_bytes(workbook([["path", "age", "sex"], ["a.png", 31.0, "f"], [], ["b.png", 7, None]]))
    rows = list(read_table(path, ["path", "age"]))
    assert [(row.line, row["path"], row.number("age"), row.get("sex")) for row in rows] == [
        (2, "a.png", 31, "f"), (4, "b.png", 7, None),
    ]  # fmt: skip
    path.write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(DatasetError, match=r"attributes\.xlsx is a workbook that cannot be read"):
        list(read_table(path, ["path"]))


def test_a_plan_and_its_events_are_workbooks(tmp_path: Path):
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "plan.xlsx").write_bytes(
        workbook([["path", "participant", "condition", "events"], ["a.mp4", 7, "calm", "events.xlsx"]])
    )
    (tmp_path / "events.xlsx").write_bytes(workbook([["time_s", "event"], [time(0, 0, 2, 500000), "bang"]]))
    (row,) = read_plan(tmp_path / "plan.xlsx")
    assert (row.participant, row.condition, row.clip.path) == ("7", "calm", tmp_path / "a.mp4")
    assert row.events == (Event("bang", 2.5, 2.5),)
