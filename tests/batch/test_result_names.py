"""Names of results: below the folder, unique, and short enough, whatever the clips are called."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from emoview.batch.names import names_of
from emoview.batch.storage import place_of
from emoview.common.names import MOST_BYTES, fitting
from emoview.media.probe import WHOLE, Stretch

ENDINGS = (".csv", "-excel.csv", ".json", ".TextGrid", "-faces.png")
NASTY = (
    "a-excel", "b-excel.wav",
    "a", "A", "b.wav", "b.mp4", "..", ".", "...", "...wav", "~", "C:", "a\\b", "a\0b", "a\nb", "é", "e\u0301",
    "summary", "Summary", ".emoview", "summary.csv", "a.csv", "a.CSV", "CON", "a::b", "x?y=../..", "x#y",
    "%2e%2e", "名" * 90, "n" * 255, "n" * 254 + "m", "\udcff" * 250, "ǰ", "ß", "ss", "",
)  # fmt: skip

part = st.sampled_from(NASTY) | st.text(min_size=1, max_size=8)
paths = st.lists(part, min_size=1, max_size=4).map("/".join)
prefixes = st.sampled_from(["", "/", "../", "./", "s3://bucket/", "local:///", "memory://../", "file:///"])
stretches = st.sampled_from([WHOLE, Stretch(1), Stretch(1, 2)])


def names(*texts: str) -> list[str]:
    return names_of([(PurePosixPath(place_of(text).name), place_of(text), WHOLE) for text in texts], ENDINGS)


def key(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def check(found: list[str]) -> None:
    files = [f"{name}{ending}" for name in found for ending in ENDINGS]
    for file in files:
        for one in file.split("/"):
            assert one not in ("", ".", "..")
            assert "\0" not in one
            assert len(os.fsencode(one)) <= MOST_BYTES
        assert key(file.split("/")[0]) not in (".emoview", "summary.csv", "summary.json")
        assert os.path.normpath(f"/out/{file}") == f"/out/{file}"
    for name in found:
        assert not {".", "..", ""} & set(name.split("/"))
    taken = {key(file) for file in files}
    assert len(taken) == len(files)
    # No file stands where others need a folder.
    assert not taken & {key(str(above)) for file in files for above in PurePosixPath(file).parents}


@settings(deadline=None)
@given(st.lists(st.tuples(prefixes, paths, paths, stretches), max_size=12))
@example(
    [("", "a/b.wav", "a/b.wav", WHOLE), ("", "a", "a.wav", WHOLE), ("", "a.csv/x", "a.csv/x.wav", WHOLE)]
)
def test_names_from_anything_lie_below_the_folder_and_are_unique(
    clips: list[tuple[str, str, str, Stretch]],
):
    named = [
        (PurePosixPath(below.replace("\0", "")), place_of(prefix + path), stretch)
        for prefix, below, path, stretch in clips
    ]
    found = names_of(named, ENDINGS)
    assert len(found) == len(clips)
    check(found)
    assert names_of(named, ENDINGS) == found


@pytest.mark.parametrize(
    "pair",
    [
        ("../d/a.wav", "/x/d/a.wav"), ("local:///x/../d/a.wav", "/d/a.wav"),
        ("/x/a.wav", "/x/a-excel.wav"), ("/x/a-excel", "/x/a"), ("a-EXCEL.wav", "a.mp4"),
        ("file://../d/a.wav", "../d/a.wav"), ("/x/é.wav", "/x/e\u0301.wav"), ("/x/a.wav", "/x/A.wav"),
    ],
)  # fmt: skip
def test_two_that_would_meet(pair: tuple[str, str]):
    found = names(*pair)
    assert len(found) == 2
    check(found)


def test_a_long_stem_is_cut_at_a_character_and_stays_itself():
    assert fitting("d/" + "n" * 250, [".json"]) == "d/" + "n" * 250
    cut = fitting("d/" + "é" * 127, [".csv", ".json"])
    assert len(os.fsencode(cut + ".json")) in (2 + MOST_BYTES, 1 + MOST_BYTES)
    assert cut.startswith("d/éé")
    assert cut[-9] == "~"
    assert int(cut[-8:], 16) >= 0
    assert fitting("é" * 126 + "e", [".json"])[-8:] != cut[-8:]
    assert fitting(os.fsdecode(b"\xff" * 255), [".csv"]).startswith(os.fsdecode(b"\xff" * 200))


def test_many_that_share_a_name_are_quick():
    same = [(PurePosixPath("a.wav"), Path("/x/a.wav"), Stretch(0, 1 + i / 1e9)) for i in range(3000)]
    found = names_of(same, ENDINGS)
    assert len({key(name) for name in found}) == len(found)


def test_rows_of_one_file_are_numbered_and_need_no_folders_above():
    def named(*places: str) -> list[str]:
        return names_of([(PurePosixPath("day/talk.mp4"), Path(place), WHOLE) for place in places], ENDINGS)

    assert named("day/talk.mp4", "day/talk.mp4", "./day/talk.mp4") == ["day/talk", "day/talk~2", "day/talk~3"]
    # Another file is told from it by the folder, and each row of one by its number.
    assert named("/x/day/talk.mp4", "/x/day/talk.mp4", "/y/day/talk.mp4") == [
        "x/day/talk.mp4", "x/day/talk.mp4~2", "y/day/talk.mp4",
    ]  # fmt: skip
