"""Where the networks run."""

from __future__ import annotations

import logging
import os
from enum import Enum

from emoview.errors import DeviceError


class Device(str, Enum):
    """Where the networks are asked to run."""

    AUTO = "auto"
    CPU = "cpu"
    GPU = "gpu"


def select_device(device: Device) -> str:
    """Make Keras use a device, and name the one it uses: `cpu` or `gpu`.

    Raises:
        DeviceError: A GPU was asked for, and Keras' back end sees none.
    """
    # TensorFlow reports on its start-up to the console unless it is told not to before it starts.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    import keras

    available = _gpus(keras.backend.backend(), hide=device is Device.CPU)
    if device is Device.GPU and not available:
        raise DeviceError("no GPU is visible: install emoview[gpu] and a CUDA driver, or use --device cpu")
    return "gpu" if available and device is not Device.CPU else "cpu"


def _gpus(backend: str, *, hide: bool) -> int:
    if backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        if hide and found:
            tf.config.set_visible_devices([], "GPU")
        return len(found)
    if backend == "torch":
        import torch

        return int(torch.cuda.device_count())
    if backend == "jax":
        import jax

        return sum(d.platform == "gpu" for d in jax.devices())
    return 0
