"""Keep a run of `emoview train` in a few megabytes.

    python -m tools.pack RUN DIR

writes the run to DIR with its networks in half precision, kernels of ten million numbers in eight binary
digits, and without checkpoints; `emoview evaluate` and `emoview analyze --weights` take it as they take RUN.
Measure it again: the last digit may change.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

import numpy as np

from emoview.networks.half import pack, round_to_half
from emoview.networks.runs import METRICS_FILE, RUN_FILE, read_run
from emoview.networks.saved import load_saved
from emoview.networks.seen import SEEN_FILE

_WEIGHTS: Final = "model.weights.h5"

_HUGE: Final = 10_000_000
_DIGITS: Final = 8
"""Kernels of so many numbers keep so many binary digits, as in bfloat16: a fifth less is stored."""


def main() -> None:
    """Pack the run that is named."""
    run, folder = map(Path, sys.argv[1:])
    facts = read_run(run)
    folder.mkdir(parents=True)
    for network in facts["networks"]:
        pack_network(run / f"{network.name}.keras", folder / f"{network.name}.keras")
    for name in (METRICS_FILE, SEEN_FILE):
        shutil.copy(run / name, folder / name)
    stored = json.loads((run / RUN_FILE).read_text())
    # Where the data lay, and the runs that it began with, is nobody else's business.
    stored["data"] = " + ".join(Path(one).name for one in stored["data"].split(" + "))
    for option in ("start", "teacher"):
        if stored["config"].get(option):
            stored["config"][option] = Path(stored["config"][option]).name
    (folder / RUN_FILE).write_text(json.dumps(stored, indent=2) + "\n")


def pack_network(source: Path, target: Path) -> None:
    """Write a network with large kernels in half precision."""
    model = load_saved(source, "train it again")
    for variable in model.weights:
        if np.prod(variable.shape) >= _HUGE:
            parts, exponents = np.frexp(np.asarray(variable))
            variable.assign(np.ldexp(np.round(np.ldexp(parts, _DIGITS)), exponents - _DIGITS))
    round_to_half(model)
    with tempfile.TemporaryDirectory() as name:
        rounded, packed = Path(name) / source.name, Path(name) / _WEIGHTS
        model.save(rounded)
        with zipfile.ZipFile(rounded) as archive:
            archive.extract(_WEIGHTS, Path(name) / "whole")
            pack(Path(name) / "whole" / _WEIGHTS, packed)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as small:
                for member in archive.namelist():
                    content = packed.read_bytes() if member == _WEIGHTS else archive.read(member)
                    # One date, so that the same network is the same file.
                    small.writestr(zipfile.ZipInfo(member), content)


if __name__ == "__main__":
    main()
