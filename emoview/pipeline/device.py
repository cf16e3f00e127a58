"""Where the networks run."""

from __future__ import annotations

import logging
import os
from enum import Enum
from pathlib import Path

from emoview.errors import DeviceError
from emoview.pipeline.engines import Engine


class Device(str, Enum):
    """Where the networks are asked to run."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


# Where the driver of NVIDIA's cards, the only ones that Keras' back ends know here, shows a card.
# A container may be given any one of several.
_CARDS = ("nvidia[0-9]*", "dxg")
_DEVICES = Path("/dev")


def select_device(device: Device) -> tuple[str, Engine]:
    """Choose where the networks run, and what runs them.

    Keras, and TensorFlow with it, is imported only where there may be a GPU: that takes seconds.

    Returns:
        `cpu` or `gpu`, and the engine.

    Raises:
        DeviceError: A GPU was asked for, and Keras' back end sees none.
    """
    if device is Device.CPU or (device is Device.AUTO and not _may_have_cards()):
        return "cpu", Engine.ONNX
    # TensorFlow reports on its start-up to the console unless it is told not to before it starts.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    # TensorFlow takes all of a card's memory unless it is told not to, and JAX three quarters.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    import keras

    if gpus(keras.backend.backend()):
        exactly(keras.backend.backend())
        return "gpu", Engine.KERAS
    if device is Device.GPU:
        raise DeviceError("no GPU is visible: install emoview[gpu] and a CUDA driver, or use --device cpu")
    return "cpu", Engine.ONNX


def _may_have_cards() -> bool:
    return any(True for name in _CARDS for _ in _DEVICES.glob(name))


def exactly(backend: str, *, exact: bool = True) -> None:
    """Have a back end multiply in float32, or, not `exact`, in TF32: ten binary digits, on cards that can.

    All three take TF32 for convolutions unless they are told not to.
    """
    if backend == "torch":
        import torch

        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not exact
    elif backend == "jax":
        import jax

        jax.config.update("jax_default_matmul_precision", "highest" if exact else "tensorfloat32")
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(not exact)


def gpus(backend: str) -> int:
    """Count the cards that a back end of Keras sees."""
    if backend == "tensorflow":
        import tensorflow as tf

        return len(tf.config.list_physical_devices("GPU"))
    if backend == "torch":
        import torch

        return int(torch.cuda.device_count())
    if backend == "jax":
        import jax

        return sum(d.platform == "gpu" for d in jax.devices())
    return 0
