"""The systems by name: what `emoview train --list` shows and `emoview train NAME` trains."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emoview.errors import InputError
from emoview.training.options import configured
from emoview.training.plan import Plan
from emoview.training.systems.events import OnEvent
from emoview.training.systems.options import (
    AffectOptions,
    ClipFusionOptions,
    ImageLandmarkOptions,
    PictureOptions,
    SequenceOptions,
    SoundOptions,
)

if TYPE_CHECKING:
    from emoview.networks.runs import Run


@dataclass(frozen=True)
class System:
    """A trainable system.

    Attributes:
        name: On the command line.
        data: What the data folder holds.
        what: It consists of.
        module: Beside this one; its `train` trains it.
        usual: The class of its options.
        changes: What differs from the options' own defaults.
    """

    name: str
    data: str
    what: str
    module: str
    usual: type[Any]
    changes: Mapping[str, Any]

    def options(self, changes: Mapping[str, Any], where: str = "options") -> Any:
        """Make the options, with changes by name."""
        return configured(configured(self.usual(), self.changes, self.name), changes, where)

    @property
    def takes_several(self) -> bool:
        """Whether several data sets can be taken together."""
        return self.data in ("faces", "speech")

    @property
    def train(self) -> Callable[[Any, Any, Run, OnEvent], None]:
        """Give the function that trains it."""
        function: Callable[[Any, Any, Run, OnEvent], None] = self._module().train
        return function

    def check(self, options: Any) -> None:
        """Refuse options that go with no network, before data are read or anything is written.

        Raises:
            InputError: They do not go together, or a file that they name is not there or does not fit.
        """
        own = getattr(self._module(), "check", None)
        if own is not None:
            own(options)

    def plan_of(self, options: Any, network: str) -> Plan:
        """Give how long and how fast a network of the system learns, by its name in the run folder."""
        names: Mapping[str, str] = getattr(self._module(), "PLANS", {})
        plan: Plan = getattr(options, names.get(network, "plan"))
        return plan

    @property
    def cross_validated(self) -> Callable[[Any, Path, Run, int, OnEvent], tuple[float, ...]]:
        """Give the function that measures options in folds of the training part."""
        function: Callable[[Any, Path, Run, int, OnEvent], tuple[float, ...]] = self._module().cross_validated
        return function

    @property
    def ranked_by(self) -> str:
        """Name the figure by which a search ranks options; more is better."""
        return str(getattr(self._module(), "RANKED_BY", "accuracy, %"))

    def _module(self) -> Any:
        return import_module(f"emoview.training.systems.{self.module}")


def _systems(*systems: System) -> Mapping[str, System]:
    return {system.name: system for system in systems}


# System D, section 6.1.
_D_STAIRS = {"schedule": "staircase", "factor": 0.95, "step_at": 5000, "step_in": "batches"}

SYSTEMS = _systems(
    System(
        "image-landmark", "faces",
        "A. picture network, landmark network, fused by decisions and by features",
        "image_landmark", ImageLandmarkOptions, {},
    ),
    System(
        "frame-cnn", "faces",
        "B. frame CNN (network: frame-cnn, vgg16, resnet50)",
        "pictures", PictureOptions, {"network": "frame-cnn", "split": "given"},
    ),
    System(
        "mfcc-cnn", "speech",
        "B. 1D CNN over 40 MFCC means, by a random split and by folds of speakers",
        "sound", SoundOptions, {"songs": True},
    ),
    System(
        "valence-arousal", "frames with valence and arousal",
        "C. regression of valence and arousal (network: resnet152, vgg11-bn, resnet18, …), 5 folds by video",
        "affect", AffectOptions, {},
    ),
    System(
        "picture-cnn", "faces",
        "D. pre-training on colour pictures (network: vgg16-face, resnet50, densenet121, se-resnet50, "
        "se-resnext50, nasnet-mobile, nasnet-large)",
        "pictures", PictureOptions,
        {"network": "resnet50", "size": 112,
         "plan": {"epochs": 30, "rate": 1e-4, **_D_STAIRS}},
    ),
    System(
        "frame-sequences", "frames of clips",
        "D. pictures learned by sequences, from a run of picture-cnn (start=RUN), the dense layers first",
        "sequences", SequenceOptions,
        {"network": "resnet50", "size": 112, "head_epochs": 5,
         "plan": {"epochs": 25, "rate": 1e-5, **_D_STAIRS}},
    ),
    System(
        "cnn-gru", "frames of clips",
        "D. a picture network and a GRU as one, from a run of frame-sequences (start=RUN), the GRU first",
        "sequences", SequenceOptions,
        {"network": "resnet50", "size": 112, "length": 40, "gru_depth": 2,
         "head_epochs": 10, "plan": {"epochs": 30, "rate": 1e-5, **_D_STAIRS}},
    ),
    System(
        "functionals-dnn", "speech",
        "D. 1,024 units over the functionals of a clip",
        "sound", SoundOptions,
        {"network": "functionals-dnn", "features": "functionals", "corpora": (), "test": 0.2,
         "batch": 16, "plan": {"epochs": 100, "rate": 1e-5, **_D_STAIRS}},
    ),
    System(
        "clip-fusion", "clips",
        "D. GRUs over pictures and sound, four early fusions and the late ones, leave-one-actor-out",
        "clip_fusion", ClipFusionOptions, {},
    ),
    System(
        "shallow-deep", "faces",
        "E. shallow against deep (network: bkstart, bkmin, bkvgg12, andreas100, resnet18, densenet121, "
        "densenet121-reduced, …)",
        "pictures", PictureOptions,
        # AdaDelta as Keras had it then, whose usual rate was 1.
        {"network": "bkvgg12", "small": True, "preparation": "both", "augmentation": "resize",
         "plan": {"epochs": 40, "rate": 1.0, "optimizer": "adadelta", "schedule": "constant"}},
    ),
)  # fmt: skip
"""Every system; the parts that ship are trained by `face`, `voice` and `fusion`."""


def system_named(name: str) -> System:
    """Find a system.

    Raises:
        InputError: There is none of this name.
    """
    if name not in SYSTEMS:
        near = difflib.get_close_matches(name, SYSTEMS, 1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"there is no system {name!r}: {meant}emoview train --list shows them")
    return SYSTEMS[name]
