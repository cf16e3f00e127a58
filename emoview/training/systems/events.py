"""How a training tells what it does: one small hook, and no screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

OnEvent: TypeAlias = Callable[[Mapping[str, Any]], None]
"""Told of every step (`step`, `of`, `loss`), of every epoch (`epoch`, …), and of what was done."""
