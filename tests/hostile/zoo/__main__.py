"""`python -m tests.hostile.zoo --only REGEX`: run cases of the zoo and print what is wrong."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from . import CASES
from .run import kept, run_cases, table


def main() -> int:
    """Run what was asked for; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Regular expression for FAMILY/NAME.")
    parser.add_argument("--commands", action="store_true", help="Each as a command of its own.")
    parser.add_argument("--jobs", type=int, default=1, help="How many at once.")
    parser.add_argument("--keep", type=Path, help="Only make the cases, in this folder.")
    asked = parser.parse_args()
    cases = [case for case in CASES if re.search(asked.only, case.id)]
    if asked.keep:
        for case in cases:
            print(kept(case, asked.keep / case.id.replace("/", "-")))
        return 0
    verdicts = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="zoo-") as root:
        for verdict in run_cases(cases, Path(root), jobs=asked.jobs, commands=asked.commands):
            verdicts.append(verdict)
            if verdict.made is not None:
                print(f"not made\t{verdict.case.id}\t{verdict.made.splitlines()[-1][:120]}", flush=True)
            for fault in verdict.faults:
                print(f"FAULT\t{verdict.case.id}\t{fault}", flush=True)
    print(table(verdicts).splitlines()[-1], f"in {time.monotonic() - started:.0f} s")
    return int(any(verdict.faults for verdict in verdicts))


if __name__ == "__main__":
    sys.exit(main())
