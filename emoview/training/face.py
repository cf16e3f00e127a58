"""Training of the face network on still pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.common.stored import read_numbers
from emoview.datasets.splits import assert_taught
from emoview.face.align import CROP_SIZE, network_input
from emoview.networks.face_cnn import deepened, face_cnn, with_votes
from emoview.networks.saved import MOST_WITH_OPTIMIZER, load_saved, load_weights, save_whole
from emoview.networks.shipped import build_face_votes
from emoview.networks.sizes import FACE_DEPTHS, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE
from emoview.timeline.labels import LABELS
from emoview.training.pictures import AugmentedBatches, Pictures, read_faces7, read_fer2013, with_cut_out
from emoview.training.precision import compiled, quick_precision
from emoview.training.recipes import note_recipe

CUT_OUT_VALID: Final = "fer2013_valid_cut_out.npz"
"""What a run calls the faces of FER2013's validation pictures, cut out as of a video."""
_ANEW = "remove the run folder, and the training starts anew"
_SHALLOW = (1, 1, 2, 1)


@dataclass(frozen=True)
class Round:
    """Epochs under one learning rate that rises over the first and falls to zero by a cosine.

    Attributes:
        sizes: `(epochs, side in pixels)` in order, or several sides, which the batches have by turns.
            Small pictures first: they cost a fraction of the arithmetic, and teach most of what the
            large ones do (Howard's progressive resizing; Tan & Le 2021, arXiv:2104.00298).
        rate: Highest learning rate.
        votes: Share of the FER2013 target taken from the FER+ votes, besides the network's second
            answer, which learns them alone.
        own: Share of the target taken from what the network itself, as it was when the round began,
            answers to the very picture that the step shows, changed as it is (born-again networks:
            Furlanello et al. 2018, arXiv:1805.04770; the same picture for both: Beyer et al. 2022,
            arXiv:2106.05237).  Where a label is a slip of its rater's, the answer from all the other
            pictures weighs against it.
        smoothing: Label smoothing on faces7.
        cut_out: Share of the FER2013 pictures that are shown as a video's faces are, upright on black,
            where the mesh finds their faces.
        covered: Share of all pictures over which a mask, glasses, subtitles or a hand is drawn.
        depths: Residual blocks of the network's stages; a round that has more of them than the one before
            it adds them as the identity.
    """

    sizes: tuple[tuple[int, ...], ...]
    rate: float
    votes: float = 0.0
    own: float = 0.0
    smoothing: float = 0.1
    cut_out: float = 0.0
    covered: float = 0.0
    depths: tuple[int, ...] = FACE_DEPTHS

    @property
    def epochs(self) -> int:
        """Epochs of all sizes."""
        return sum(count for count, *_ in self.sizes)

    def sides_at(self, epoch: int) -> tuple[int, ...]:
        """Sides of the pictures in `epoch`, which counts from 0."""
        for count, *sides in self.sizes:
            if epoch < count:
                return tuple(sides)
            epoch -= count
        raise ValueError("epoch beyond the round")


@dataclass(frozen=True)
class FaceRecipe:
    """What decides the outcome of a training.

    Attributes:
        rounds: One after the other, each from the weights of the last (warm restarts; Loshchilov &
            Hutter 2017, arXiv:1608.03983).  The votes teach fast, but their raters hardly saw fear
            and disgust where FER2013 has them: hence rounds on the original labels.
        batch: Pictures a step.
        weight_decay: Decoupled (Loshchilov & Hutter 2019, arXiv:1711.05101).
        seed: Decides the start, the order and the augmentation.
    """

    rounds: tuple[Round, ...] = (
        Round(((6, 32), (4, 40), (4, FACE_SIZE)), rate=2e-3, votes=0.4, depths=_SHALLOW),
        Round(((2, FACE_SIZE),), rate=6e-4, depths=_SHALLOW),
        Round(((16, FACE_SIZE),), rate=1.5e-3, votes=0.15, depths=_SHALLOW),
        Round(((2, FACE_SIZE),), rate=3e-4, depths=_SHALLOW),
        Round(((16, FACE_SIZE),), rate=1e-3, votes=0.15, depths=_SHALLOW),
        Round(((2, FACE_SIZE),), rate=2e-4, depths=_SHALLOW),
        Round(((10, FACE_SIZE),), rate=7e-4, own=0.5, depths=_SHALLOW),
        Round(((18, FACE_SIZE, LARGE_FACE_SIZE),), rate=1e-3, own=0.5, depths=_SHALLOW),
        Round(((14, FACE_SIZE, LARGE_FACE_SIZE),), rate=1e-3, own=0.5),
        Round(((17, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE),), rate=1e-3, own=0.5),
        Round(((14, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE),), rate=1e-3, own=0.5, smoothing=0.0),
        Round(((12, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE),), rate=8e-4, own=0.75, smoothing=0.0),
        Round(
            ((9, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE),),
            rate=8e-4,
            own=0.7,
            smoothing=0.0,
            cut_out=0.35,
        ),
        Round(
            ((12, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE),),
            rate=8e-4,
            own=0.7,
            smoothing=0.0,
            cut_out=0.35,
            covered=0.3,
        ),
    )
    second_answer: float = 0.5
    batch: int = 96
    weight_decay: float = 0.02
    seed: int = 1

    @property
    def epochs(self) -> int:
        """Epochs of all rounds."""
        return sum(part.epochs for part in self.rounds)


def train_face(
    data: Path,
    run: Path,
    recipe: FaceRecipe | None = None,
    *,
    start: Path | None = None,
    on_epoch: Callable[[dict[str, Any]], None] = lambda row: None,
) -> keras.Model:
    """Train the face network on FER2013 and faces7 together.

    Every epoch ends with a checkpoint in `run`; called again with the same `run`, the training goes
    on behind the last one.

    Args:
        data: Folder with `fer2013/` and `faces7/`.
        run: Folder for checkpoints and `history.json`.
        recipe: Hyper-parameters.
        start: Folder with weights that ship, of which the last round alone goes on; None for all rounds.
        on_epoch: Called with the figures of each finished epoch.

    Returns:
        The network with both answers; `labels_of` and `votes_of` take it apart.
    """
    recipe = recipe or FaceRecipe()
    if start is not None:
        recipe = replace(recipe, rounds=recipe.rounds[-1:])
    checkpoint, history_file = run / "checkpoint.keras", run / "history.json"
    note_recipe(run / "recipe.json", asdict(recipe), fresh=not checkpoint.exists())
    fer, faces7, valid = _read(data, run, cut_out=any(part.cut_out for part in recipe.rounds))
    keras.utils.set_random_seed(recipe.seed)
    model = with_votes(face_cnn(depths=recipe.rounds[0].depths))
    if start is not None:
        take_shipped(model, start)
    history: list[dict[str, Any]] = []
    if checkpoint.exists():
        model = load_saved(checkpoint, _ANEW, compile=True, most=MOST_WITH_OPTIMIZER)
        history = read_numbers(history_file, list[dict[str, Any]], _ANEW)
    first = 0
    for part in recipe.rounds:
        train = replace(fer, targets=targets_of(fer, part.votes)) + faces7.smoothed(part.smoothing)
        if len(history) <= first:
            with quick_precision():
                model = _fresh(model, part.depths)
            _compile(model, recipe, part, len(train) // recipe.batch)
        teacher = None
        if part.own and len(history) < first + part.epochs:
            teacher = _as_it_is(model, run / f"before_{first}.keras")
        bare = labels_of(model)
        for epoch in range(max(first, len(history)), first + part.epochs):
            sides = part.sides_at(epoch - first)
            batches = AugmentedBatches(
                train, batch=recipe.batch, sides=sides, seed=recipe.seed, epoch=epoch,
                teacher=teacher, share=part.own, cut_out=part.cut_out, covered=part.covered,
            )  # fmt: skip
            _seed_dropout(model, recipe.seed, epoch)
            loss = model.fit(batches, verbose=0, shuffle=False).history["loss"][0]
            accuracy = {name: accuracy_of(bare, pictures, max(sides)) for name, pictures in valid.items()}
            row = {"epoch": epoch + 1, "size": max(sides), "loss": loss, **accuracy}
            history.append(row)
            save_whole(model, checkpoint)
            write_whole(history_file, json.dumps(history, indent=1) + "\n")
            on_epoch(row)
        first += part.epochs
    return _fresh(model, recipe.rounds[-1].depths)


def _read(data: Path, run: Path, *, cut_out: bool) -> tuple[Pictures, Pictures, dict[str, Pictures]]:
    """Read FER2013, faces7, and what is measured; `cut_out` adds faces as a video shows them."""
    fer = read_fer2013(data / "fer2013", "train", size=FACE_SIZE)
    faces7 = read_faces7(data / "faces7", "train", size=LARGEST_FACE_SIZE)
    valid = {
        "fer2013": read_fer2013(data / "fer2013", "valid"),
        "faces7": read_faces7(data / "faces7", "valid"),
    }
    parts = [part.labels for part in (fer, faces7, *valid.values())]
    learned = np.arange(sum(map(len, parts))) < len(fer) + len(faces7)
    assert_taught(np.concatenate(parts), learned, ~learned, LABELS, "pictures")
    if cut_out:
        fer = with_cut_out(fer, run / "fer2013_cut_out.npz")
        valid["fer2013_cut_out"] = with_cut_out(
            valid["fer2013"], run / CUT_OUT_VALID, size=CROP_SIZE
        ).as_in_video()
    return fer, faces7, valid


def take_shipped(model: keras.Model, start: Path) -> None:
    """Give a network with two answers the weights that ship."""
    network, votes = face_cnn(), build_face_votes()
    load_weights(network, start / "face_cnn.weights.h5", "install emoview again")
    load_weights(votes, start / "face_votes.weights.h5", "install emoview again")
    deepened(network, model)
    model.get_layer("votes").set_weights(votes.get_layer("votes").get_weights())


def targets_of(pictures: Pictures, votes: float) -> NDArray[np.float32]:
    """Mix what the votes say, by their share, with the original labels."""
    # Nobody's votes count for nothing.
    share = votes * pictures.votes.sum(axis=1, keepdims=True)
    return np.asarray(share * pictures.votes + (1 - share) * pictures.targets, dtype=np.float32)


def _as_it_is(model: keras.Model, file: Path) -> keras.Model:
    """Give a copy of the network as it is when a round begins, kept in `file` for when a run goes on."""
    if not file.exists():
        save_whole(model, file)
    return labels_of(load_saved(file, _ANEW))


def labels_of(model: keras.Model) -> keras.Model:
    """Give the part of a network with two answers that tells the labels."""
    return keras.Model(model.input, model.get_layer("logits").output, name="face_cnn")


def votes_of(model: keras.Model) -> keras.Model:
    """Give what tells the votes from the embeddings of a network with two answers."""
    votes = build_face_votes()
    votes.set_weights(model.get_layer("votes").get_weights())
    return votes


def _fresh(model: keras.Model, depths: tuple[int, ...]) -> keras.Model:
    """The same weights without the state of an optimizer, and maybe further blocks."""
    return deepened(model, with_votes(face_cnn(depths=depths)))


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Let dropout, too, depend on the seed and the epoch alone: checkpoints do not hold its state."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.seed_generator.state.assign(np.array([seed, epoch], np.uint32))


def _compile(model: keras.Model, recipe: FaceRecipe, part: Round, steps: int) -> None:
    # A round too short for an epoch's warm-up starts at its highest rate.
    warmup = steps if part.epochs > 2 else 0
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=part.rate / 20 if warmup else part.rate,
        warmup_target=part.rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=steps * part.epochs - warmup,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    # Where there are no votes, the second loss is zero.
    losses = [keras.losses.CategoricalCrossentropy(from_logits=True) for _ in model.outputs]
    model.compile(optimizer, losses, loss_weights=[1.0, recipe.second_answer], jit_compile=compiled())


def accuracy_of(model: keras.Model, pictures: Pictures, size: int) -> float:
    """Share of the pictures whose most probable label is the right one, in percent."""
    images = np.stack([network_input(image, size) for image in pictures.images])
    logits = model.predict(images, batch_size=256, verbose=0)
    return float(100 * np.mean(logits.argmax(axis=1) == pictures.labels))
