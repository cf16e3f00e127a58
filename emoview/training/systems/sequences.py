"""System D on the frames of clips: pictures learned by sequences, and a CNN with a GRU behind it.

The frames are aligned faces that `emoview prepare` took out of clips.  A clip of more frames than a sequence
has is several sequences; the last one is padded with its last frame (section 5.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.frames import ClipFrames, split_frames
from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.splits import assert_taught
from emoview.errors import InputError
from emoview.fusion.late import softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.labels import accuracy, measure_labels
from emoview.networks.flops import flops
from emoview.networks.runs import NetworkOfRun, Run
from emoview.networks.seen import Seen, assert_unseen, with_start
from emoview.networks.sequences import EMBEDDING_PART, cnn_gru, frames_network
from emoview.timeline.labels import LABELS
from emoview.training.batches import DecodedPictures, changed, predicted
from emoview.training.label_groups import class_weights, group_names, grouped
from emoview.training.late_fusion import Predictions
from emoview.training.loop import Batch, fit_head_first
from emoview.training.parts import Parts
from emoview.training.systems import pictures
from emoview.training.systems.events import OnEvent
from emoview.training.systems.folds import folds_and_choice
from emoview.training.systems.options import SequenceOptions
from emoview.training.systems.pictures import (
    built,
    input_shape,
    loss_of,
    only_dense_learn,
    report,
    validated,
)


@dataclass(frozen=True)
class _Entries:
    """Sequences of clips.

    Attributes:
        pictures: The frames of all clips.
        shown: `(frames,)`, labels of these.
        clips: `(sequences,)`, which clip each is of.
        frames: For each the positions of its frames.
        labels: `(clips,)`.
        length: Frames of a sequence, with padding.
        exact: Whether padding counts for nothing.
    """

    pictures: DecodedPictures
    shown: NDArray[np.int64]
    clips: NDArray[np.int64]
    frames: tuple[NDArray[np.int64], ...]
    labels: NDArray[np.int64]
    length: int
    exact: bool

    def of(self, clips: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the sequences of some clips."""
        return np.flatnonzero(np.isin(self.clips, clips))

    def frames_of(self, clips: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the positions of the frames of some clips."""
        return np.concatenate([self.frames[i] for i in self.of(clips)])

    def inputs(
        self, chosen: Sequence[int] | NDArray[np.int64], size: int, change: Any = None
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Give frames `(size, length, side, side, channels)` in [0, 1], and which of them count.

        Args:
            chosen: Sequences, up to `size`.
            size: Of the batch.
            change: Called with a picture and the row of its sequence; None scales to [0, 1] alone.
        """
        side, channels = self.pictures.size, self.pictures.channels
        values = np.zeros((size, self.length, side, side, channels), np.float32)
        mask = np.zeros((size, self.length), bool)
        for row, entry in enumerate(chosen):
            frames = self.frames[entry]
            for place, i in enumerate(frames):
                picture = self.pictures[int(i)]
                values[row, place] = picture / np.float32(255) if change is None else change(picture, row)
            values[row, len(frames) :] = values[row, len(frames) - 1]
            mask[row, : len(frames) if self.exact else None] = True
        return values, mask


def train(options: SequenceOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train on sequences of frames, and measure on clips that were not in training."""
    shape = input_shape(options)
    clips, parts = split_frames(data, options.split, options.seed)
    entries, names = _entries(clips, shape, options)
    name = _name(options)
    assert_taught(entries.labels, parts[0], np.concatenate(parts[1:]), names, "clips")
    _note(name, clips, parts, options, run)
    model = _learn(name, entries, parts, len(names), shape, options, run, on_event)

    _, choose, test = parts
    said = _clip_logits(model, entries, test, options.batch)
    scale = fit_scale(_clip_logits(model, entries, choose, options.batch), entries.labels[choose])
    people = [clips[i].actor for i in test]
    figures = measure_labels(softmax(scale * said), entries.labels[test], names, people=people)
    size, colour = shape[0], shape[-1] == 3
    if options.gru_depth:
        cost = model.count_params(), _flops(model, options.length, shape)
        stored = NetworkOfRun(name, "clips", "sequences", names, size, colour, scale, *cost)
        report(run, stored, model, figures)
    else:
        # What is kept answers for single pictures.
        frames = model.get_layer(index=_frames_at(model))
        shown = entries.frames_of(choose)
        scale = fit_scale(predicted(frames, entries.pictures, shown), entries.shown[shown])
        cost = frames.count_params(), flops(frames)
        report(
            run, NetworkOfRun(name, "face", "pictures", names, size, colour, scale, *cost), frames, figures
        )
    if names == LABELS:
        tested = [clips[i] for i in test]
        Predictions(
            tuple(c.name for c in tested), entries.labels[test], tuple(c.actor for c in tested), {name: said}
        ).save(run.folder)
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})


def check(options: SequenceOptions) -> None:
    """Refuse options that go with no network, before data are read; see `pictures.check`."""
    _assert_of_clips(options)
    pictures.check(options)


def _assert_of_clips(options: SequenceOptions) -> None:
    of_pictures = {
        "batch_norm=true": options.batch_norm, "omit": options.omit,
        "a teacher": options.teacher is not None or options.teacher_views,
    }  # fmt: skip
    for what, is_asked in of_pictures.items():
        if is_asked:
            raise InputError(f"{what} is for single pictures: train picture-cnn with it, and start=RUN")
    if options.labels == 8 or options.truth != "original":
        what = "contempt: set labels=7" if options.labels == 8 else "votes: leave truth out"
        raise InputError(f"clips have no {what}")


def cross_validated(
    options: SequenceOptions, data: Path, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of all but what is measured in the end: accuracy on each fold left out, in percent."""
    shape = input_shape(options)
    clips, (train_part, choose, _) = split_frames(data, options.split, options.seed)
    entries, names = _entries(clips, shape, options)
    known = np.sort(np.concatenate([train_part, choose]))
    _assert_unseen(clips, known, options)
    result = []
    drawn = list(folds_and_choice(
        entries.labels, known, folds, options.seed,
        groups=[clip.actor for clip in clips], duplicates=[clip.digest() for clip in clips],
    ))  # fmt: skip
    for parts in drawn:
        assert_taught(entries.labels, parts[0], np.concatenate(parts[1:]), names, "clips")
    for number, parts in enumerate(drawn, start=1):
        place = f"{_name(options)}-{folds}-folds/{number}"
        model = _learn(place, entries, parts, len(names), shape, options, run, on_event)
        said = _clip_logits(model, entries, parts[2], options.batch)
        result.append(accuracy(said, entries.labels[parts[2]]))
        on_event({"fold": number, "accuracy": result[-1]})
    return tuple(result)


def _name(options: SequenceOptions) -> str:
    return f"{options.network}-gru" if options.gru_depth else options.network


def _note(name: str, clips: Sequence[ClipFrames], parts: Parts, options: SequenceOptions, run: Run) -> None:
    """Note what the network learns from: frames, and who acts in them.

    Raises:
        InputError: What it begins with has learned from what it is measured on.
    """
    _assert_unseen(clips, parts[2], options)
    seen = Seen.of(*_shown(clips, np.concatenate(parts[:2])))
    run.learns(name, with_start(seen, options.start, options.network))


def _assert_unseen(
    clips: Sequence[ClipFrames], measured: NDArray[np.int64], options: SequenceOptions
) -> None:
    if options.start is not None:
        assert_unseen(options.start, *_shown(clips, measured), options.network)


def _shown(clips: Sequence[ClipFrames], which: NDArray[np.int64]) -> tuple[Sequence[str], Sequence[str]]:
    """Give the digests of all frames of some clips, and who acts in each."""
    some = [(clips[i].actor, file) for i in which for file in clips[i].files]
    files = tuple(file for _, file in some)
    frames = LabelledPictures("frames", files, np.zeros(len(files), np.int64))
    return frames.digests(), [actor for actor, _ in some]


def _entries(
    clips: tuple[ClipFrames, ...], shape: tuple[int, int, int], options: SequenceOptions
) -> tuple[_Entries, tuple[str, ...]]:
    """Cut clips into sequences; gives the names of their labels, too.

    Raises:
        InputError: Contempt or votes are asked for, which data sets of clips do not have, or normalisation
            that is merged afterwards, which goes with single pictures.
    """
    _assert_of_clips(options)
    labels = grouped(np.array([clip.label for clip in clips]), options.labels)
    files = tuple(file for clip in clips for file in clip.files)
    shown = np.repeat(labels, [len(clip.files) for clip in clips])
    every = LabelledPictures("frames", files, shown, names=tuple(map(str, files)))
    of, frames, first = [], [], 0
    for number, clip in enumerate(clips):
        places = np.arange(first, first + len(clip.files))
        cut = np.split(places, range(options.length, len(places), options.length))
        of += [number] * len(cut)
        frames += cut
        first += len(places)
    decoded = DecodedPictures.of(every, size=shape[0], colour=shape[-1] == 3)
    entries = _Entries(decoded, shown, np.array(of), tuple(frames), labels, options.length, options.exact)
    return entries, group_names(options.labels)


def _learn(
    name: str,
    entries: _Entries,
    parts: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    labels: int,
    shape: tuple[int, int, int],
    options: SequenceOptions,
    run: Run,
    on_event: OnEvent,
) -> keras.Model:
    train_part, choose, _ = parts
    known = entries.of(train_part)
    loss = loss_of(options.loss, options.delta)
    weights = class_weights(entries.labels[train_part], labels) if options.class_weights else None

    def build() -> keras.Model:
        frames = _frames(options, shape, entries, train_part)
        joined: dict[str, Any] = {"length": options.length, "aggregate": options.aggregate}
        if not options.gru_depth:
            return frames_network(frames, **joined)
        return cnn_gru(
            frames, units=options.gru_units, depth=options.gru_depth,
            bidirectional=options.bidirectional, attention=options.attention, **joined,
        )  # fmt: skip

    def freeze(model: keras.Model) -> None:
        if options.gru_depth:
            model.get_layer(EMBEDDING_PART).trainable = False
        else:
            only_dense_learn(model.get_layer(index=_frames_at(model)))

    def batches(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng((options.seed, epoch)).permutation(known)
        for number in range(len(order) // options.batch):
            index = order[number * options.batch : (number + 1) * options.batch]

            def change(picture: NDArray[np.uint8], row: int, number: int = number) -> NDArray[np.float32]:
                # All frames of a sequence change alike.
                rng = np.random.default_rng((options.seed, epoch, number, row))
                return changed(picture, options.augmentation, rng)

            truth = entries.labels[entries.clips[index]]
            batch = entries.inputs(index, options.batch, change), np.eye(labels, dtype=np.float32)[truth]
            yield batch if weights is None else (*batch, weights[truth])

    def judge(model: keras.Model) -> dict[str, float]:
        said = _clip_logits(model, entries, choose, options.batch)
        return validated(said, entries.labels[choose], loss=loss, batch=options.batch)

    return fit_head_first(
        build, freeze, options.head_epochs, batches, judge, options.plan, run.part(name), loss=loss,
        seed=options.seed, name=name, of=len(known) // options.batch, on_event=on_event,
    )  # fmt: skip


def _frames(
    options: SequenceOptions,
    shape: tuple[int, int, int],
    entries: _Entries,
    known: NDArray[np.int64],
) -> keras.Model:
    """Build the network of single frames, with the weights that it starts from."""
    frames, names = entries.frames_of(known), group_names(options.labels)
    network = built(options, shape, names, entries.pictures, frames)
    if options.start is not None and options.new_head:
        fresh = built(
            replace(options, start=None), shape, group_names(options.labels), entries.pictures, frames
        )
        for one, other in zip(network._flatten_layers(), fresh._flatten_layers(), strict=True):
            if isinstance(one, keras.layers.Dense):
                one.set_weights(other.get_weights())
    return network


def _flops(model: keras.Model, length: int, shape: tuple[int, int, int]) -> int:
    """Count the operations of a sequence; of the whole model, the part for pictures counts for one frame."""
    once = flops(model, input_shape=[(length, *shape), (length,)])
    return once + (length - 1) * flops(model.get_layer(EMBEDDING_PART))


def _frames_at(model: keras.Model) -> int:
    """Find the network of single frames in one of sequences."""
    return next(i for i, layer in enumerate(model.layers) if isinstance(layer, keras.Model))


def _clip_logits(
    model: keras.Model, entries: _Entries, clips: NDArray[np.int64], batch: int
) -> NDArray[np.float32]:
    """Give `(clips, labels)` logits: the mean over the sequences of each clip."""
    chosen = entries.of(clips)
    # One shape for all calls, so that nothing is compiled twice.
    said = np.concatenate([
        np.asarray(model.predict_on_batch(entries.inputs(part, batch)))[: len(part)]
        for part in np.split(chosen, range(batch, len(chosen), batch))
    ])  # fmt: skip
    return np.stack([said[entries.clips[chosen] == clip].mean(axis=0) for clip in clips])
