"""The tables of the model card are filled from what was measured."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT))
from dataclasses import asdict

from emoview.metrics.groups import measure_attributes
from tools.card import CARD, OF_GROUPS, filled


def test_the_table_of_groups_has_its_place_and_nothing_else_changes():
    labels = np.tile([0, 1], 20)
    groups = measure_attributes(
        np.eye(2)[labels], labels, {"glasses": ["clear", "none", "none", "none"] * 10}
    )
    measured = {
        "shipped face network": {
            "groups": {k: {v: asdict(one) for v, one in g.items()} for k, g in groups.items()}
        }
    }
    card = CARD.read_text("utf-8")
    before, after = (set(text.splitlines()) for text in (card, filled(card, OF_GROUPS, measured)))
    (row,) = (line for line in after - before if line.startswith("| glasses: clear"))
    assert "| 10 | 100.0 (100.0-100.0) | 0.0 (0.0-0.0) | 100.0 |" in row
    assert len(after - before) == 2
    assert not [line for line in before - after if not line.startswith("| ")]
    with pytest.raises(ValueError, match="no place for the table of groups"):
        filled("# A card", OF_GROUPS, measured)
