"""Run folders: what was trained, how, with what outcome, and the networks that came of it.

RUN/run.json        system, options, data, versions, seconds, and the networks in it
RUN/metrics.json    the figures of each network, by its name
RUN/seen.npz        what each network learned from
RUN/NAME.keras      a network, its preparation of the input included
RUN/NAME-curves.png, RUN/NAME-figures.png
RUN/NAME/           checkpoints and history of its training
"""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

from msgspec import Meta

from emoview.common.files import write_whole
from emoview.common.folders import Data, folders_of
from emoview.common.interrupts import interrupted_as
from emoview.common.stored import convert_numbers, is_file, quoted, read_json, read_numbers
from emoview.errors import InputError
from emoview.networks.seen import SEEN_FILE, Seen, note_seen

Task = Literal["face", "voice", "clips", "va"]

RUN_FILE = "run.json"
METRICS_FILE = "metrics.json"

_AGAIN = "train again"
FEATURE_WIDTHS = {"mfcc-means": 40, "functionals": 6373, "emobase": 988, "is10": 1582}
"""Values of the vectors that networks of voices take, by what these are."""


@dataclass(frozen=True)
class NetworkOfRun:
    """A network of a run, and what it takes and gives.

    Attributes:
        name: Of its file and its figures.
        task: What it is about.
        takes: `pictures`, `landmarks`, `mfcc-means`, `functionals`, ….
        labels: What its logits stand for; valence and arousal for `va`.
        size: Side of the pictures in pixels; None for other inputs.
        colour: Whether the pictures are in colour.
        scale: What logits are multiplied with to be calibrated, fitted on validation data.
        parameters: How many numbers it has.
        flops: Floating-point operations for one input.
    """

    name: Annotated[str, Meta(pattern=r"^(?!\.)[^/\x00-\x1f\x7f]{1,100}$")]
    task: Task
    takes: str
    labels: Annotated[tuple[str, ...], Meta(min_length=1, max_length=1000)]
    size: Annotated[int, Meta(ge=1, le=4096)] | None
    colour: bool
    scale: Annotated[float, Meta(gt=0, le=1e9)]
    parameters: Annotated[int, Meta(ge=0)]
    flops: Annotated[int, Meta(ge=0)]


class Facts(TypedDict):
    """What `run.json` holds."""

    system: str
    config: Any
    data: str
    backend: str
    versions: dict[str, str]
    seconds: Annotated[float, Meta(ge=0, le=1e12)]
    peak_megabytes: Annotated[int, Meta(ge=0)]
    networks: list[NetworkOfRun]


class Run:
    """A run folder that is being filled; opened again, it goes on.

    Raises:
        InputError: The folder holds a run of another system, of other options or other data, or of
            another back end of Keras, whose optimizers read their own checkpoints alone.
    """

    def __init__(self, folder: Path, system: str, config: Any, data: Data) -> None:
        import keras

        self._folder = folder
        what = {
            "system": system, "config": _plain(config),
            "data": " + ".join(str(folder.resolve()) for folder in folders_of(data)),
            "backend": keras.backend.backend(),
        }  # fmt: skip
        counted = {"seconds": 0.0, "peak_megabytes": 0, "networks": []}
        self._facts: dict[str, Any] = {**what, "versions": _versions(), **counted}
        file = folder / RUN_FILE
        self._is_new, self._was_there = not is_file(file), folder.exists()
        if not self._is_new:
            before: dict[str, Any] = {**read_run(folder)}
            before["networks"] = [asdict(network) for network in before["networks"]]
            if is_dataclass(config):
                usual: Any = type(config)
                before["config"] = _completed(before["config"], _plain(usual()))
            for key, value in what.items():
                if before.get(key) != value:
                    raise InputError(
                        f"{folder} holds a run with another {key} ({_difference(before.get(key), value)}): "
                        "name a new folder with -o"
                    )
            self._facts.update({name: before[name] for name in counted})
        self._since = time.perf_counter()

    @property
    def folder(self) -> Path:
        """The folder, which is there as soon as something is to be put into it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def part(self, name: str) -> Path:
        """Give the folder for the checkpoints of a network."""
        return self.folder / name

    def save(self) -> None:
        """Write down what there is to say of the run so far."""
        now = time.perf_counter()
        self._facts["peak_megabytes"] = max(
            self._facts["peak_megabytes"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        )
        self._facts["seconds"] = round(self._facts["seconds"] + now - self._since, 1)
        self._since = now
        write_whole(self.folder / RUN_FILE, json.dumps(self._facts, indent=2) + "\n")

    def learns(self, network: str, seen: Seen) -> None:
        """Note what a network is about to learn from.  From here on the folder holds a run."""
        self.save()
        note_seen(self.folder, network, seen)

    @contextmanager
    def learning(self) -> Iterator[None]:
        """Let networks learn within; what fails or is stopped before an epoch is learned leaves no run.

        Raises:
            KeyboardInterrupt: It was stopped; says what is kept.
        """
        self._since = time.perf_counter()
        with interrupted_as(self._kept):
            try:
                yield
            except BaseException:
                self._forget()
                raise

    def _kept(self) -> str:
        """Say what there is of the run."""
        epochs = sum(len(json.loads(file.read_text())) for file in self._folder.rglob("history.json"))
        if epochs:
            what = "epoch is" if epochs == 1 else "epochs are"
            return f"{epochs} {what} kept in {self._folder}; the same command goes on"
        if self._folder.is_dir() and any(self._folder.iterdir()):
            return f"no epoch was learned; what was computed is kept in {self._folder}"
        return "nothing was written"

    def _forget(self) -> None:
        """Take back that there is a run, where it was new and no network has learned for an epoch.

        Then the command can be run again with other options.
        """
        if not self._is_new or not self._folder.is_dir() or any(self._folder.rglob("history.json")):
            return
        for name in (RUN_FILE, SEEN_FILE):
            (self._folder / name).unlink(missing_ok=True)
        if self._was_there:
            # Empty folders in it may be somebody's own.
            return
        for place in (*sorted(self._folder.rglob("*"), reverse=True), self._folder):
            # Those alone that are empty.
            with suppress(OSError):
                place.rmdir()

    def add(self, network: NetworkOfRun, model: Any, figures: Any) -> None:
        """Store a trained network with its figures; None where they are stored under other names."""
        from emoview.networks.saved import save_whole

        save_whole(model, self.folder / f"{network.name}.keras")
        others = [n for n in self._facts["networks"] if n["name"] != network.name]
        self._facts["networks"] = [*others, asdict(network)]
        if figures is None:
            self.save()
        else:
            self.measured(network.name, figures)

    def measured(self, name: str, figures: Any) -> None:
        """Store figures under a name."""
        metrics = read_metrics(self.folder)
        metrics[name] = _plain(figures)
        write_whole(self.folder / METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
        self.save()


def _difference(before: Any, now: Any, name: str = "") -> str:
    """Say what of stored options differs from those of now, and nothing of the rest."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        return "; ".join(
            _difference(before.get(key), now.get(key), f"{name}.{key}" if name else str(key)) for key in keys
        )
    return f"{name} {_brief(before)}, now {_brief(now)}".strip()


def _brief(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else quoted(str(value)).strip("'")


def read_run(folder: Path) -> Facts:
    """Read `run.json`.

    Raises:
        InputError: There is none, or it cannot be read.
    """
    file = folder / RUN_FILE
    if not is_file(file):
        raise InputError(f"{folder} is no run folder: it has no {RUN_FILE}")
    return read_json(file, Facts, _AGAIN)


class Interval(TypedDict):
    """A figure as it is stored, with the ends of its interval."""

    value: float
    low: float
    high: float


class ClassMeasured(TypedDict):
    """The main figures of one label against the others."""

    support: Annotated[int, Meta(ge=0)]
    f1: Interval


class _Labels(TypedDict):
    accuracy: Interval
    uar: Interval


class LabelsMeasured(_Labels, total=False):
    """The main figures of labels; there are others beside them, and older runs lack those of each label."""

    weighted_f1: Interval
    classes: dict[str, ClassMeasured]


class _Values(TypedDict):
    rmse: Interval
    pcc: Interval
    icc: Interval
    ccc: Interval


class ValuesMeasured(_Values, total=False):
    """The main figures of valence or arousal; older runs name no scale."""

    scale: Annotated[float, Meta(gt=0, le=1e9)]


def read_metrics(folder: Path) -> dict[str, dict[str, Any]]:
    """Read `metrics.json`: all figures, by what was measured; empty where nothing was measured yet.

    Raises:
        InputError: It cannot be read, or lacks main figures.
    """
    file = folder / METRICS_FILE
    if not file.exists():
        return {}
    metrics = read_numbers(file, dict[str, dict[str, Any]], _AGAIN)
    for name, measured in metrics.items():
        kind: type = LabelsMeasured if "accuracy" in measured else ValuesMeasured
        convert_numbers(measured, kind, file, _AGAIN, place=name)
    return metrics


def networks_of(folder: Path) -> list[NetworkOfRun]:
    """List the networks of a run; the last is its outcome.

    Raises:
        InputError: `run.json` cannot be read, or there is none yet.
    """
    networks = read_run(folder)["networks"]
    if not networks:
        raise InputError(
            f"{folder} has no network: its training was stopped, and goes on when run again, or a search by "
            "folds tried its options, which keeps none"
        )
    return networks


def told_apart(runs: Sequence[Path]) -> list[str]:
    """Name runs by their folders, those that are called alike by their whole paths.

    Raises:
        InputError: One is named twice.
    """
    places = [run.resolve() for run in runs]
    for place, run in zip(places, runs, strict=True):
        if places.count(place) > 1:
            raise InputError(f"{run} is named twice: name each run once")
    names = [run.name or place.name for run, place in zip(runs, places, strict=True)]
    return [name if names.count(name) == 1 else str(run) for name, run in zip(names, runs, strict=True)]


def network_behind(name: str, networks: Mapping[str, NetworkOfRun]) -> NetworkOfRun | None:
    """Find the network whose figures stand under a name, such as `resnet152, valence`."""
    network = networks.get(name.removesuffix(", valence").removesuffix(", arousal"))
    return network if network is None or network.task == "va" or network.name == name else None


def load_network(folder: Path, network: NetworkOfRun) -> Any:
    """Load a network of a run, ready for predictions.

    Raises:
        InputError: Its file is missing, damaged, or of another network.
    """
    from emoview.networks.saved import load_saved

    file = folder / f"{network.name}.keras"
    if not file.exists():
        raise InputError(f"{file} is missing: the run is not complete; train again to go on")
    model = load_saved(file, _AGAIN)
    if not _is_of(model, network):
        raise InputError(f"{file} does not match the inputs or outputs in {folder / RUN_FILE}: {_AGAIN}")
    return model


def _is_of(model: Any, network: NetworkOfRun) -> bool:
    """Tell whether a model takes and gives what is written of the network, as far as that is said there."""
    taken, given = ([tuple(x.shape) for x in side] for side in (model.inputs, model.outputs))
    if not taken or any(shape[-1:] != (len(network.labels),) for shape in given):
        return False
    if network.takes in FEATURE_WIDTHS:
        return taken == [(None, FEATURE_WIDTHS[network.takes])]
    if network.takes != "pictures":
        return True
    channels = 3 if network.colour else 1
    # Some networks take pictures of any size.
    return taken in ([(None, side, side, channels)] for side in (None, network.size))


def _plain(value: Any) -> Any:
    """Make what JSON can hold, as it comes back from there."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) else value))  # type: ignore[arg-type]


def _both_dicts(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _completed(stored: Any, usual: Any) -> Any:
    """Add the options that a run was stored without, being older than they are: it had them as usual."""
    if not _both_dicts(stored, usual):
        return stored
    return {**usual, **{name: _completed(value, usual.get(name)) for name, value in stored.items()}}


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    from emoview import __version__

    names = (
        "keras",
        "tensorflow",
        "torch",
        "jax",
        "numpy",
        "opencv-contrib-python",
        "opensmile",
    )
    versions = {"emoview": __version__, "python": platform.python_version()}
    for name in names:
        # Keras trains with any one of its back ends, and not every system needs all of the others.
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return versions
