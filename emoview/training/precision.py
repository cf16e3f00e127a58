"""How networks compute while they learn: how precisely, and whether compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras

_CPU_INFO = Path("/proc/cpuinfo")
# What processors with bfloat16 units call them: AVX-512's, and AMX's tiles.
_UNITS = {"avx512_bf16", "amx_bf16"}


def policy() -> str:
    """Name Keras' policy for this processor: bfloat16 where it has units for it."""
    try:
        flags = set(_CPU_INFO.read_text().split())
    except OSError:
        return "float32"
    return "mixed_bfloat16" if flags & _UNITS else "float32"


@contextmanager
def quick_precision() -> Iterator[None]:
    """Build networks with the policy of this processor; their weights stay float32."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy())
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def compiled() -> bool:
    """Tell whether a training step is worth compiling.

    JAX runs operation by operation unless its step is compiled.  With TensorFlow on a processor, XLA takes
    longer to compile than it saves, and is a quarter slower than oneDNN's kernels.  PyTorch's compiler is
    not used.
    """
    return bool(keras.backend.backend() == "jax")
