"""The options of the systems; importing this imports no Keras."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal, get_args

from msgspec import Meta

from emoview.errors import InputError
from emoview.networks.choices import Activation, Aggregate, Preparation
from emoview.timeline.labels import FaceLabel, TaughtCount
from emoview.training.options import (
    Augmentation,
    FileName,
    Folds,
    Fraction,
    Layers,
    Number,
    Side,
    Whole,
)
from emoview.training.plan import Plan

SoundFeatures = Literal["mfcc-means", "functionals", "emobase", "is10"]

Single = Literal["visual-gru", "sound-gru", "functionals-dnn"]
Early = Literal["early-descriptors", "early-sound-gru", "early-dense", "early-two-grus"]
SINGLE: tuple[Single, ...] = get_args(Single)
EARLY: tuple[Early, ...] = get_args(Early)
"""The networks of `clip-fusion`: those that stand alone, and those that join."""


@dataclass(frozen=True)
class PictureOptions:
    """What decides the outcome.

    Attributes:
        network: Its name in the catalogue.
        size: Side of the pictures; None for what the network was published with, or 42 with `small`.
        colour: Whether they have colours; None for what the network was published with, or for grey ones
            with `small`.
        small: Show networks that were published for 224 pixels in colour grey pictures of 42 pixels, with the
            dropout that system E gave them there.
        activation: Of the frame CNN; None for its usual one.
        pooling: Average over the picture instead of flattening; None for what is usual in the network.
        dropout: Share of values dropped, or one for each stage of the network; None for what is usual.
        batch_norm: Normalise behind each convolution while a network learns that has no such normalisation
            (bkvgg12, andreas100, frame-cnn, vgg11, vgg16).  In the end it is merged into the convolutions, so
            that the layers and the number of parameters are the published ones.  Behind the layers of a
            `start` it begins so that nothing changes.
        plan: How long and how fast.
        batch: Pictures a step.
        preparation: What the network does to pictures in [0, 1] first.
        augmentation: Random changes.
        loss: `cross-entropy`, or `hinge`: the L2 multi-class support vector machine.
        delta: Of `hinge`: how far the scores of wrong labels should stay below that of the right one.
        class_weights: Weigh a label by the largest label's count over its own.
        labels: Told apart in training: 7; 8, with contempt, of data sets that have it; or their grouping
            into 3 or 2, in which contempt is negative or other.
        omit: A label, or several, of which no picture is learned from or chosen by; it is measured on all the
            same (system E, section 8.7, omits surprise and asks for 3 labels).
        truth: Whose labels count: the `original` ones, or those that most `votes` of FER+ are for, which
            alone tell contempt in FER2013.
        split: `given` trains on the part `train`, holds a tenth of it out for choosing the epoch, and
            measures on the part `valid` or `test`; `random` pools all parts and splits them 70/10/20.
        start: What its weights begin with: a run folder with a network of the same name, such as one trained
            on other pictures, or with one that it goes on from (`densenet121` from `densenet121-reduced`); a
            `.keras` or `.h5` file, of Keras Applications or VGG-Face, too; `shipped`,
            which is a face-cnn; None for random ones.  The last layer is new where the labels differ.
        head_epochs: Epochs, before those of the plan, in which only the dense layers learn.
        teacher: Whose probabilities of each picture count in the target beside its label: a run folder with
            one network of pictures, or `shipped`, the face network that ships; None for the label alone.
        teacher_share: How much they count; the rest is the label's.
        teacher_views: Changed copies of each picture that the teacher is asked about; an epoch shows one of
            them, and after so many epochs they come again.  With 0 it is asked about the picture as it is,
            however it is changed for the network that learns.
        seed: Decides start, split, order and changes.
    """

    network: str = "frame-cnn"
    size: Side | None = None
    colour: bool | None = None
    small: bool = False
    activation: Activation | None = None
    pooling: bool | None = None
    dropout: Fraction | tuple[Fraction, ...] | None = None
    batch_norm: bool = False
    plan: Plan = field(default_factory=lambda: Plan(epochs=30, rate=1e-3, schedule="plateau"))
    batch: Number = 64
    preparation: Preparation = "unit"
    augmentation: Augmentation = "none"
    loss: Literal["cross-entropy", "hinge"] = "cross-entropy"
    delta: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    class_weights: bool = False
    labels: TaughtCount = 7
    omit: FaceLabel | tuple[FaceLabel, ...] = ()
    truth: Literal["original", "votes"] = "original"
    split: Literal["given", "random"] = "given"
    start: FileName | None = None
    head_epochs: Whole = 0
    teacher: FileName | None = None
    teacher_share: Annotated[float, Meta(gt=0, le=1)] = 0.7
    teacher_views: Annotated[int, Meta(ge=0, le=1000)] = 0
    seed: Whole = 1


@dataclass(frozen=True)
class SequenceOptions(PictureOptions):
    """What decides the outcome: what `PictureOptions` say, and these.

    Attributes:
        length: Frames of a sequence.
        aggregate: Of the frames' logits: their `mean`, or their `median`.
        exact: Leave out the frames that a sequence is padded with.
        new_head: Begin the dense layers anew instead of with the weights of `start`.
        gru_depth: Layers of a GRU over the embeddings of the frames; 0 for none.  `head_epochs` are those in
            which it learns alone.
        gru_units: Of each, a direction.
        bidirectional: The GRU looks ahead, too.
        attention: Weigh what the GRU says of the frames by a learned score.
        batch: Sequences a step.
    """

    length: Number = 80
    aggregate: Aggregate = "mean"
    exact: bool = True
    new_head: bool = False
    gru_depth: Annotated[int, Meta(ge=0, le=16)] = 0
    gru_units: Number = 128
    bidirectional: bool = False
    attention: bool = False
    batch: Number = 4
    plan: Plan = field(default_factory=lambda: Plan(epochs=25, rate=1e-5))

    def __post_init__(self) -> None:
        """Refuse a median of what attention weighs."""
        _assert_weighed(self.attention and self.gru_depth > 0, self.aggregate)


@dataclass(frozen=True)
class SoundOptions:
    """What decides the outcome.

    Attributes:
        network: `mfcc-cnn`, `mfcc-cnn-two` or `functionals-dnn`.
        features: `mfcc-means`, 40 a clip; `functionals`, the 6,373 of ComParE 2016; `emobase`, 988; or
            `is10`, 1,582.
        units: Of the dense layer of `functionals-dnn`, or of each where there are several; None for 1,024.
        batch_norm: Normalise each dense layer's values, there.
        dropout: Share of values dropped; None for what is usual in the network.
        corpora: Those of the data set that take part; none for all.
        songs: Take the songs of RAVDESS beside its speech.
        plan: How long and how fast; the last epoch counts, since nothing is held out to choose by.
        batch: Utterances a step.
        test: Share that the random split measures on.
        folds: Of speakers.
        seed: Decides start, splits and order.
    """

    network: str = "mfcc-cnn"
    features: SoundFeatures = "mfcc-means"
    units: Number | Annotated[tuple[Number, ...], Meta(min_length=1, max_length=10)] | None = None
    batch_norm: bool | None = None
    dropout: Fraction | None = None
    corpora: tuple[str, ...] = ("ravdess", "tess")
    songs: bool = False
    plan: Plan = field(default_factory=lambda: Plan(100, 1e-3, schedule="cosine", keep="last"))
    batch: Number = 32
    test: Annotated[float, Meta(gt=0, lt=1)] = 0.33
    folds: Folds = 5
    seed: Whole = 1


@dataclass(frozen=True)
class AffectOptions:
    """What decides the outcome; `vgg11-bn` was published with 190 epochs and a batch of 20.

    Attributes:
        network: Its name in the catalogue.
        size: Side of the crops, in pixels; None for 224, or what the shipped face network is made for.
        plan: How long and how fast; the last epoch counts, since nothing is held out to choose by.
        batch: Frames a step.
        preparation: What the network does to pictures in [0, 1] first.
        augmentation: Random changes.
        folds: Of whole videos.
        test: Another data set to measure on, instead of the folds; its path.
        start: What its weights begin with, as for pictures: a run folder, a `.keras` or `.h5` file, or
            `shipped` for network=face-cnn; the last layer of other labels is new.
        head_epochs: Epochs, before those of the plan, in which only the last layer learns.
        only_head: Let only the last layer learn, in all epochs (feature extraction).
        faces: How faces are cut out: by the landmarks that are `given`, where there are none not at all; or
            by those that are `found`, as in an analysis, whereby frames without a face are left out.
        seed: Decides start, folds, order and changes.
    """

    network: str = "resnet152"
    size: Side | None = None
    plan: Plan = field(default_factory=lambda: Plan(100, 1e-3, "sgd", keep="last", momentum=0.9))
    batch: Number = 50
    preparation: Preparation = "unit"
    augmentation: Augmentation = "none"
    folds: Folds = 5
    test: FileName | None = None
    start: FileName | None = None
    head_epochs: Whole = 0
    only_head: bool = False
    faces: Literal["given", "found"] = "given"
    seed: Whole = 1


@dataclass(frozen=True)
class ImageLandmarkOptions:
    """What decides the outcome; the published settings.

    Attributes:
        image: Of the picture network: the rate falls to a fifth at epoch 10.
        landmark: Of the landmark network: to a fifth whenever 5 epochs have not lowered the validation loss.
        decisions: Of the fusion of decisions.
        features: Of the fusion of features.
        batch: Examples a step.
        class_weights: Weigh a label by the largest label's count over its own.
        seed: Decides split, start and order.
    """

    image: Plan = field(default_factory=lambda: Plan(16, 1e-4, schedule="step", step_at=10, keep="last"))
    landmark: Plan = field(
        default_factory=lambda: Plan(16, 1e-3, schedule="plateau", watch="loss", keep="last")
    )
    decisions: Plan = field(default_factory=lambda: Plan(16, 5e-4, keep="last"))
    features: Plan = field(default_factory=lambda: Plan(16, 5e-5, keep="last"))
    batch: Number = 32
    class_weights: bool = True
    seed: Whole = 1


@dataclass(frozen=True)
class ClipFusionOptions:
    """What decides the outcome.

    Attributes:
        length: Ticks of a sequence: longer clips are cut, at random in training and in the middle
            afterwards; shorter ones are padded with their last tick, which is masked.
        units: Of the GRUs over embeddings, and of those that join.
        depth: Layers of these.
        sound_units: Of the GRUs over descriptors.
        sound_depth: Layers of these; 2 or 4.
        bidirectional: Look ahead, too.
        attention: Weigh ticks by a learned score, where a network stands alone.
        aggregate: Of the ticks' logits in the end: their `mean`, or their `median`.
        faces: Run folder whose picture network embeds the faces; None for the shipped one.
        networks: Those that are trained, and with an early fusion the ones that it starts from; late fusions
            join the ones that stand alone.
        plan: How long and how fast; the last epoch counts, since nothing is held out to choose by.
        batch: Clips a step.
        seed: Decides start and order.
    """

    length: Number = 80
    units: Number = 128
    depth: Layers = 2
    sound_units: Number = 64
    sound_depth: Layers = 2
    bidirectional: bool = True
    attention: bool = False
    aggregate: Literal["mean", "median"] = "mean"
    faces: FileName | None = None
    networks: Annotated[tuple[Single | Early, ...], Meta(min_length=1, max_length=100)] = (*SINGLE, *EARLY)
    plan: Plan = field(default_factory=lambda: Plan(20, 1e-3, "adam", "staircase", 0.95, 1, keep="last"))
    batch: Number = 24
    seed: Whole = 1

    def __post_init__(self) -> None:
        """Refuse a median of what attention weighs."""
        _assert_weighed(self.attention, self.aggregate)


def _assert_weighed(attention: bool, aggregate: Aggregate) -> None:
    if attention and aggregate == "median":
        raise InputError("a median knows no weights: leave out attention=true or aggregate=median")
