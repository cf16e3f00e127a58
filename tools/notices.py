"""Renew the list of packages at the end of THIRD_PARTY_NOTICES.md: `make notices`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.licences import licence_of
from tools.lock import ROOT, project
from tools.locks import UNUSED

NOTICES: Final = ROOT / "THIRD_PARTY_NOTICES.md"
_HEADING: Final = "## Packages\n"
_SAID: Final = """
What `requirements.lock` installs. Each package carries the text of its licence in its folder `*.dist-info` or
beside its code. `make notices` makes this list of their metadata.

`pip install emoview` also brings what nothing here imports, all under Apache-2.0: {unused}.
"""


def brought_by(wanted: Iterable[Requirement]) -> set[str]:
    """Name what is installed with these packages, themselves included, but for what the locks leave out."""
    names: set[str] = set()
    left = list(wanted)
    while left:
        each = left.pop()
        name = canonicalize_name(each.name)
        if name in names or name in UNUSED:
            continue
        names.add(name)
        for below in map(Requirement, metadata.requires(name) or []):
            extras = ("", *each.extras)
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in extras):
                left.append(below)
    return names


def _version(name: str) -> str:
    """Give the version of a package; the locks leave some out that the project pins."""
    if name in UNUSED:
        pins = {each.name: each.specifier for each in map(Requirement, project()["dependencies"])}
        return str(pins[name]).removeprefix("==")
    return metadata.version(name)


def table(names: Iterable[str]) -> str:
    """List packages, with their licences, as a Markdown table."""
    rows = [f"| {name} | {_version(name)} | {licence_of(name)} |" for name in sorted(names)]
    return "\n".join(["| package | version | licence |", "|---|---|---|", *rows]) + "\n"


def main() -> None:
    """Write the list in place of the old one."""
    direct = [Requirement(each) for each in project()["dependencies"]]
    names = {canonicalize_name(each.name) for each in direct}
    kept = NOTICES.read_text("utf-8").partition(_HEADING)[0]
    indirect = table(brought_by(direct) - names)
    said = _SAID.format(unused=", ".join(sorted(UNUSED - names)))
    NOTICES.write_text(
        f"{kept}{_HEADING}{said}\nUsed by emoview itself:\n\n{table(names)}\nUsed by those:\n\n{indirect}",
        "utf-8",
    )


if __name__ == "__main__":
    main()
