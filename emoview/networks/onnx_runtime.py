"""ONNX Runtime, as everything here uses it: one thread, nothing sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def runtime() -> Any:
    """Import ONNX Runtime, which would report its use to its maker, and have it send nothing.

    The switch in the environment, see `emoview/__init__.py`, comes too late for a program that imported it
    before emoview.
    """
    import onnxruntime

    # Versions before 1.24 have nothing to switch off on Linux.
    getattr(onnxruntime, "disable_telemetry_events", bool)()
    return onnxruntime


def session(network: Path | bytes) -> Any:
    """Load a network, of a file or of its content, to run it on the processor.

    One thread: several networks, decoding and the voice run side by side, and with more the last digits
    depend on how many there are, and so on the machine.
    """
    onnxruntime = runtime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = network if isinstance(network, bytes) else str(network)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])
