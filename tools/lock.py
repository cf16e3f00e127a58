"""What the locks and `pyproject.toml` ask for."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT: Final = Path(__file__).parent.parent
DEV_LOCK: Final = ROOT / "requirements-dev.lock"
"""Everything, with what tests and checks need."""
LOCK: Final = ROOT / "requirements.lock"
"""What the package depends on."""
RUN_LOCK: Final = ROOT / "requirements-run.lock"
"""What analysing needs: no Keras, no TensorFlow, no librosa, no mediapipe."""


@dataclass(frozen=True)
class Locked:
    """A package of the lock.

    Attributes:
        name: As the lock spells it.
        version: The one version that may be installed where the marker holds.
        hashes: SHA-256 of each archive that may be installed.
        wanted_by: Names of the packages that depend on it; `emoview` for the project itself.
    """

    name: str
    version: str
    hashes: tuple[str, ...]
    wanted_by: tuple[str, ...]


def read_lock(path: Path = DEV_LOCK) -> list[Locked]:
    """Read the lock; a package has an entry for each of its versions.

    Raises:
        ValueError: An entry has no hash.
    """
    found = []
    for entry in re.split(r"^(?=[a-z0-9])", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
        pinned = re.match(r"([a-z0-9._-]+)==(\S+)", entry)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry)
        if pinned is None or not hashes:
            raise ValueError(f"{path.name}: no version or no hash in: {entry.splitlines()[0]}")
        comments = "\n".join(line for line in entry.splitlines() if line.startswith("    #"))
        wanted = re.findall(
            r"#\s+(?:via )?([a-z0-9][a-z0-9._-]*)(?: \(pyproject.toml\))?$", comments, re.MULTILINE
        )
        names = sorted({name for name in wanted if name != "via"})
        found.append(Locked(pinned[1], pinned[2], tuple(hashes), tuple(names)))
    return found


def project() -> dict[str, Any]:
    """Read the table `project` of `pyproject.toml`."""
    table: dict[str, Any] = _pyproject()["project"]
    return table


def group(name: str) -> list[str]:
    """Read a dependency group of `pyproject.toml`."""
    requirements: list[str] = _pyproject()["dependency-groups"][name]
    return requirements


def _pyproject() -> dict[str, Any]:
    tables: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    return tables
