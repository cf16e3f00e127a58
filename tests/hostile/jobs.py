"""What a worker is asked to do: the calls that the commands make, on files that may be anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def analyse(path: str, out: str) -> dict[str, Any]:
    """Do as `emoview analyze PATH -o OUT` does; tells nothing, since the files do."""
    from emoview import analyze
    from emoview.output.writers import write_results

    result = analyze(path)
    written = write_results(result, Path(path).stem, ["csv", "json"], Path(out))
    return {"written": [str(file) for file in written]}
