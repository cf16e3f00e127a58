"""Write the locks for users out of the one that has everything: `python -m tools.locks`.

`requirements-dev.lock` is resolved with all extras.  `requirements.lock` is the part of it that the package
depends on and a checkout is installed with, `requirements-run.lock` the part that analysing needs: the same
versions, the same hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from packaging.requirements import Requirement

from tools.lock import DEV_LOCK, LOCK, RUN_LOCK, group, project, read_lock

UNUSED: Final = frozenset(
    {
        # mediapipe names both, and imports neither for faces.
        "jax", "jaxlib",
        # It fills the same folder as opencv-contrib-python, which mediapipe brings and which holds all of it.
        "opencv-python",
        # TensorFlow names them for other systems, and for logs that nobody writes here.
        "libclang", "tensorboard-data-server", "tensorflow-io-gcs-filesystem",
    }
)  # fmt: skip
"""What packages ask for, and nothing here uses."""
TO_INSTALL: Final = ("hatchling", "editables")
"""What installs a checkout."""


def part(text: str, roots: Iterable[str], unused: frozenset[str]) -> str:
    """Give what `roots` need of a lock, and what that needs in turn, but for the unused."""
    wanted_by: dict[str, set[str]] = {}
    for package in read_lock():
        wanted_by.setdefault(package.name, set()).update(package.wanted_by)
    kept = {name for name in map(_normal, roots) if name in wanted_by} - unused
    while more := {
        name for name, wanters in wanted_by.items() if name not in kept | unused and wanters & kept
    }:
        kept |= more
    head, *entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    return head + "".join(entry for entry in entries if entry.split("==")[0] in kept)


def _normal(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", Requirement(requirement).name).lower()


def main() -> None:
    """Write both locks, and leave what nothing uses out of the one that has everything."""
    text = DEV_LOCK.read_text("utf-8")
    head, *entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    everything = head + "".join(entry for entry in entries if entry.split("==")[0] not in UNUSED)
    DEV_LOCK.write_text(everything, "utf-8")
    about = project()
    LOCK.write_text(part(everything, [*about["dependencies"], *TO_INSTALL], UNUSED), "utf-8")
    RUN_LOCK.write_text(part(everything, group("run"), UNUSED), "utf-8")


if __name__ == "__main__":
    main()
