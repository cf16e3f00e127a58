"""Where the command `emoview` starts."""

from __future__ import annotations

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit(
        "emoview runs on Python 3.10 to 3.12, this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: make an environment with another Python"
    )

import gc
from typing import Final

# Objects made before Python looks for cycles of them again, 700 if nothing is said: importing makes many, and
# hardly any cycle.
_OBJECTS: Final = 50_000


def main() -> None:
    """Run the command that is named, with its module alone; with all of them where none is."""
    gc.set_threshold(_OBJECTS)
    from emoview.cli.commands import EVERY, app_with

    named = sys.argv[1:2]
    app_with(named if named and named[0] in EVERY else EVERY)(prog_name="emoview")


if __name__ == "__main__":
    main()
