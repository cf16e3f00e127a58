"""Training of the face network on still pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emoview.networks.face_cnn import FACE_SIZE, face_cnn
from emoview.timeline.labels import LABELS
from emoview.training.pictures import AugmentedBatches, Pictures, read_faces7, read_fer2013


@dataclass(frozen=True)
class FaceRecipe:
    """What decides the outcome of a training.

    Attributes:
        sizes: `(epochs, side in pixels)` in order.  Small pictures first: they cost a fraction of
            the arithmetic, and teach most of what the large ones do (Howard's progressive
            resizing; Tan & Le 2021, arXiv:2104.00298).
        batch: Pictures a step.
        learning_rate: Highest rate, reached after one epoch and brought to zero by a cosine.
        weight_decay: Decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101).
        votes: Share of the FER2013 target taken from the FER+ votes.
        tuning_epochs: Epochs at full size that follow, on the original labels alone: the votes teach
            faster, but their raters hardly saw fear and disgust where FER2013 has them.
        tuning_rate: Highest rate of these epochs, brought to zero by a cosine.
        smoothing: Label smoothing on faces7.
        seed: Decides the start, the order and the augmentation.
    """

    sizes: tuple[tuple[int, int], ...] = ((6, 32), (4, 40), (4, FACE_SIZE))
    batch: int = 96
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    votes: float = 0.4
    tuning_epochs: int = 2
    tuning_rate: float = 6e-4
    smoothing: float = 0.1
    seed: int = 1

    @property
    def main_epochs(self) -> int:
        """Epochs before the tuning."""
        return sum(count for count, _ in self.sizes)

    @property
    def epochs(self) -> int:
        """All epochs."""
        return self.main_epochs + self.tuning_epochs

    def size_at(self, epoch: int) -> int:
        """Side of the pictures in `epoch`, which counts from 0."""
        if self.main_epochs <= epoch < self.epochs:
            return self.sizes[-1][1]
        for count, size in self.sizes:
            if epoch < count:
                return size
            epoch -= count
        raise ValueError("epoch beyond the recipe")


def train_face(
    data: Path,
    run: Path,
    recipe: FaceRecipe | None = None,
    *,
    on_epoch: Callable[[dict[str, Any]], None] = lambda row: None,
) -> keras.Model:
    """Train the face network on FER2013 and faces7 together.

    Every epoch ends with a checkpoint in `run`; called again with the same `run`, the training goes
    on behind the last one.

    Args:
        data: Folder with `fer2013/` and `faces7/`.
        run: Folder for checkpoints, `history.json` and the final `face_cnn.weights.h5`.
        recipe: Hyper-parameters.
        on_epoch: Called with the figures of each finished epoch.
    """
    recipe = recipe or FaceRecipe()
    run.mkdir(parents=True, exist_ok=True)
    (run / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    fer = read_fer2013(data / "fer2013", "train", size=FACE_SIZE, votes=recipe.votes)
    faces7 = read_faces7(data / "faces7", "train", size=FACE_SIZE, smoothing=recipe.smoothing)
    train = fer + faces7
    original = replace(fer, targets=np.eye(len(LABELS), dtype=np.float32)[fer.labels]) + faces7
    steps = len(train) // recipe.batch
    valid = {
        "fer2013": read_fer2013(data / "fer2013", "valid", size=FACE_SIZE),
        "faces7": read_faces7(data / "faces7", "valid", size=FACE_SIZE),
    }
    keras.utils.set_random_seed(recipe.seed)
    checkpoint, history_file = run / "checkpoint.keras", run / "history.json"
    history: list[dict[str, Any]] = []
    if checkpoint.exists():
        model = keras.models.load_model(checkpoint)
        history = json.loads(history_file.read_text())
    else:
        model = face_cnn()
        _compile(model, recipe, _main_rate(recipe, steps))
    for epoch in range(len(history), recipe.epochs):
        tuning = epoch >= recipe.main_epochs
        if epoch == recipe.main_epochs:
            _compile(model, recipe, _tuning_rate(recipe, steps))
        size = recipe.size_at(epoch)
        batches = AugmentedBatches(
            original if tuning else train, batch=recipe.batch, size=size, seed=recipe.seed, epoch=epoch
        )
        _seed_dropout(model, recipe.seed, epoch)
        loss = model.fit(batches, verbose=0, shuffle=False).history["loss"][0]
        accuracy = {name: accuracy_of(model, part, size) for name, part in valid.items()}
        row = {"epoch": epoch + 1, "size": size, "loss": loss, **accuracy}
        history.append(row)
        partial = run / "partial.keras"
        model.save(partial)
        partial.replace(checkpoint)
        history_file.write_text(json.dumps(history, indent=1) + "\n")
        on_epoch(row)
    # A fresh copy carries no optimizer state into the file.
    bare = face_cnn()
    bare.set_weights(model.get_weights())
    bare.save_weights(run / "face_cnn.weights.h5")
    return bare


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Let dropout, too, depend on the seed and the epoch alone: checkpoints do not hold its state."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign(np.array([seed, epoch], np.uint32))


def _compile(model: keras.Model, recipe: FaceRecipe, rate: Any) -> None:
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    # XLA on a processor is a quarter slower here than TensorFlow's own oneDNN kernels.
    model.compile(optimizer, loss, jit_compile=False)


def _main_rate(recipe: FaceRecipe, steps: int) -> Any:
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 20,
        warmup_target=recipe.learning_rate,
        warmup_steps=steps,
        decay_steps=steps * (recipe.main_epochs - 1),
    )


def _tuning_rate(recipe: FaceRecipe, steps: int) -> Any:
    return keras.optimizers.schedules.CosineDecay(recipe.tuning_rate, steps * recipe.tuning_epochs)


def accuracy_of(model: keras.Model, pictures: Pictures, size: int) -> float:
    """Share of the pictures whose most probable label is the right one, in percent."""
    import cv2

    images = pictures.images
    if images.shape[1] != size:
        images = np.stack([cv2.resize(i, (size, size), interpolation=cv2.INTER_AREA) for i in images])
    logits = model.predict(images[..., None].astype(np.float32) / 255, batch_size=256, verbose=0)
    return float(100 * np.mean(logits.argmax(axis=1) == pictures.labels))
