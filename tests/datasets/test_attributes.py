"""Tables of what is known of examples besides their labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_data import refused, write

from emoview.datasets.attributes import read_attributes

NAMES = ("happy/1.png", "happy/2.png", "sad/1.png")


def test_what_is_not_told_is_not_known(tmp_path: Path):
    table = write(
        tmp_path / "t.csv", "age,id,glasses\nchild,sad/1.png,\n,happy/1.png,clear\nold,gone.png,clear\n"
    )
    attributes, strangers = read_attributes(table, NAMES)
    assert attributes == {"age": (None, None, "child"), "glasses": ("clear", None, None)}
    assert strangers == ("gone.png",)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id\nsad/1.png\n", ("no attributes",)),
        ("name,age\nsad/1.png,old\n", ("line 1", "'id' is missing")),
        ("id,age\n1,old\n2,old\n", ("none of the examples", "happy/1.png")),
        ("id,age\n", ("none of the examples",)),
        ("id,age\nsad/1.png,old\nsad/1.png,young\n", ("line 3", "sad/1.png", "second time")),
    ],
)
def test_a_table_that_fits_nothing_is_refused(content: str, words: tuple[str, ...], tmp_path: Path):
    with refused("t.csv", *words):
        read_attributes(write(tmp_path / "t.csv", content), NAMES)


def test_numbers_are_no_groups(tmp_path: Path):
    names = [str(i) for i in range(31)]
    table = write(tmp_path / "t.csv", "id,age\n" + "".join(f"{n},{n}\n" for n in names))
    with refused("age", "31 values", "age bands"):
        read_attributes(table, names)
