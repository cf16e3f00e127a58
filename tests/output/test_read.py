"""Results read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoview import Analysis, InputError
from emoview.output.json import to_json
from emoview.output.read import read_json


def test_a_result_read_back_is_the_same(result: Analysis, tmp_path: Path):
    file = tmp_path / "result.json"
    file.write_text(to_json(result), encoding="utf-8")
    again = read_json(file)
    assert to_json(again) == to_json(result)
    assert again.media == result.media
    file.write_text("{}")
    with pytest.raises(InputError, match="not a result"):
        read_json(file)
