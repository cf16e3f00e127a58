"""The build of the wheel: it says which machines it is for, and refuses others with a sentence."""

from __future__ import annotations

import platform
import sys
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TAG = "py3-none-manylinux_2_28_x86_64"
"""What mediapipe, of which no other build is used, runs on."""


class Platform(BuildHookInterface[Any]):
    """Tags the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Refuse a machine that emoview does not run on."""
        del version
        if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
            raise RuntimeError(
                "emoview runs on Linux x86-64 only: use such a machine, a container or WSL 2 "
                "(docs/dependencies.md says what other systems would need)"
            )
        build_data["tag"] = TAG
