"""The weights that ship with the package: where they are, and whether they are what was shipped."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoview.errors import WeightsError

_PACKAGED = Path(__file__).parent / "_weights"
_CHECKOUT = Path(__file__).parent.parent / "weights"

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Weight:
    """A shipped file.

    Attributes:
        name: File name.
        path: Where it is.
        sha256: Hash of its content, checked.
    """

    name: str
    path: Path
    sha256: str


def weights_folder() -> Path:
    """Find the weights: beside the package in a checkout, inside it in an installed wheel."""
    for folder in (_PACKAGED, _CHECKOUT):
        if (folder / MANIFEST).is_file():
            return folder
    raise WeightsError("the weights are missing from this installation: install emoview again")


@functools.cache
def shipped(name: str) -> Weight:
    """Find a shipped file and check its hash.

    Raises:
        WeightsError: It is missing, or is not the file that was shipped.
    """
    folder = weights_folder()
    expected = _manifest(folder).get(name)
    path = folder / name
    if expected is None or not path.is_file():
        raise WeightsError(f"the weight file {name} is missing: install emoview again")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise WeightsError(f"the weight file {name} was changed or damaged: install emoview again")
    return Weight(name, path, found)


def _manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    return manifest


def write_manifest(folder: Path) -> None:
    """Write the hashes of all weight files of a folder."""
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in {".h5", ".onnx", ".json"} and path.name != MANIFEST
    }
    (folder / MANIFEST).write_text(json.dumps(hashes, indent=2) + "\n")
