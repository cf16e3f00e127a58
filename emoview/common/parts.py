"""Importing a module out of a package that would import far more than is needed."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()


@contextmanager
def without_init(*packages: str) -> Iterator[None]:
    """Within the block, modules of the packages are imported without what their `__init__` does.

    openSMILE's draws in pandas and its file formats, and mediapipe's matplotlib, and TensorFlow where it is
    installed: seconds of start-up for nothing that is used here.  Whoever imports such a package
    afterwards gets it whole.

    Args:
        packages: Outer before inner, such as `opensmile`, `opensmile.core`.

    Raises:
        ModuleNotFoundError: One is not installed.
    """
    with _LOCK:
        hollow = [name for name in packages if name not in sys.modules]
        try:
            for name in hollow:
                spec = importlib.util.find_spec(name)
                if spec is None:
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
                sys.modules[name] = importlib.util.module_from_spec(spec)
            yield
        finally:
            for name in hollow:
                sys.modules.pop(name, None)
