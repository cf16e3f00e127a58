"""Collect the pages of the documentation for MkDocs: `make docs`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from tools.lock import ROOT
from tools.reference import PAGES

COLLECTED: Final = ROOT / "build" / "docs"
"""Where MkDocs finds the pages, each at its path in the repository, so that links between them hold."""

_OUTSIDE: Final = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "THIRD_PARTY_NOTICES.md",
    "benchmarks/README.md",
    "samples/README.md",
    "weights/MODEL_CARD.md",
)
_KINDS: Final = (".md", ".png", ".ipynb")


def collect(folder: Path = COLLECTED) -> None:
    """Fill a folder, emptied first, with the pages of the repository and the generated ones."""
    shutil.rmtree(folder, ignore_errors=True)
    ours = [path for path in (ROOT / "docs").iterdir() if path.suffix in _KINDS]
    for path in [*ours, *(ROOT / name for name in _OUTSIDE)]:
        place = folder / path.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)
    reference = folder / "docs" / "reference"
    reference.mkdir()
    for name, page in PAGES.items():
        (reference / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    collect()
