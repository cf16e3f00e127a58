"""Options of the systems."""

from __future__ import annotations

import pytest

from emoview import InputError
from emoview.training.options import configured
from emoview.training.plan import Plan
from emoview.training.systems.catalog import SYSTEMS, system_named


def test_options_are_checked():
    with pytest.raises(InputError, match="no option 'netwrk'"):
        SYSTEMS["frame-cnn"].options({"netwrk": "frame-cnn"})
    with pytest.raises(InputError, match="not of the kind"):
        configured(Plan(1, 1.0), {"epochs": "many"}, "file")
    with pytest.raises(InputError, match="no system"):
        system_named("nothing")


def test_every_system_has_options():
    for system in SYSTEMS.values():
        assert system.options({"seed": 5}).seed == 5
