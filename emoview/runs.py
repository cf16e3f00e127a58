"""Run folders: what was trained, how, with what outcome, and the networks that came of it.

RUN/run.json        system, options, data, versions, seconds, and the networks in it
RUN/metrics.json    the figures of each network, by its name
RUN/NAME.keras      a network, its preparation of the input included
RUN/NAME-curves.png, RUN/NAME-figures.png
RUN/NAME/           checkpoints and history of its training
"""

from __future__ import annotations

import json
import platform
import resource
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, TypeVar

from emoview.errors import InputError
from emoview.output.files import write_whole

Task = Literal["face", "voice", "clips", "va"]
C = TypeVar("C")

RUN_FILE = "run.json"
METRICS_FILE = "metrics.json"


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

    name: str
    task: Task
    takes: str
    labels: tuple[str, ...]
    size: int | None
    colour: bool
    scale: float
    parameters: int
    flops: int


class Run:
    """A run folder that is being filled; opened again, it goes on.

    Raises:
        InputError: The folder holds a run of another system, of other options or other data, or of
            another back end of Keras, whose optimizers read their own checkpoints alone.
    """

    def __init__(self, folder: Path, system: str, config: Any, data: Path) -> None:
        import keras

        self.folder = folder
        what = {
            "system": system, "config": _plain(config), "data": str(data.resolve()),
            "backend": keras.backend.backend(),
        }  # fmt: skip
        counted = {"seconds": 0.0, "peak_megabytes": 0, "networks": []}
        self._facts: dict[str, Any] = {**what, "versions": _versions(), **counted}
        file = folder / RUN_FILE
        if file.exists():
            before = read_run(folder)
            for key, value in what.items():
                if before.get(key) != value:
                    other = before.get(key)
                    raise InputError(
                        f"{folder} holds a run with another {key} ({other}): name a new folder with -o"
                    )
            self._facts.update({name: before[name] for name in counted})
        self._since = time.perf_counter()
        self.save()

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

    def add(self, network: NetworkOfRun, model: Any, figures: Any) -> None:
        """Store a trained network with its figures."""
        partial = self.folder / f"partial-{network.name}.keras"
        model.save(partial)
        partial.replace(self.folder / f"{network.name}.keras")
        others = [n for n in self._facts["networks"] if n["name"] != network.name]
        self._facts["networks"] = [*others, asdict(network)]
        self.measured(network.name, figures)

    def measured(self, name: str, figures: Any) -> None:
        """Store figures under a name."""
        metrics = read_metrics(self.folder)
        metrics[name] = _plain(figures)
        write_whole(self.folder / METRICS_FILE, json.dumps(metrics, indent=2) + "\n")
        self.save()


def read_run(folder: Path) -> dict[str, Any]:
    """Read `run.json`.

    Raises:
        InputError: There is none, or it cannot be read.
    """
    try:
        facts: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
        return facts
    except FileNotFoundError:
        raise InputError(f"{folder} is no run folder: it has no {RUN_FILE}") from None
    except ValueError as error:
        raise InputError(f"{folder / RUN_FILE} cannot be read ({error}): train again") from None


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read `metrics.json`; empty where nothing was measured yet."""
    file = folder / METRICS_FILE
    metrics: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return metrics


def networks_of(folder: Path) -> list[NetworkOfRun]:
    """List the networks of a run; the last is its outcome."""
    return [NetworkOfRun(**{**n, "labels": tuple(n["labels"])}) for n in read_run(folder)["networks"]]


def load_network(folder: Path, network: NetworkOfRun) -> Any:
    """Load a network of a run, ready for predictions."""
    import keras

    # The project's own layers are known to Keras once their modules are imported.
    import emoview.networks.blocks
    import emoview.networks.normalization
    import emoview.networks.preparation
    import emoview.networks.temporal  # noqa: F401

    file = folder / f"{network.name}.keras"
    if not file.exists():
        raise InputError(f"{file} is missing: the run is not complete; train again to go on")
    return keras.models.load_model(file, compile=False)


def configured(config: C, changes: Mapping[str, Any], where: str) -> C:
    """Change options of a system, as a file or the command line names them.

    Raises:
        InputError: There is no such option, or the value is of another kind.
    """
    assert is_dataclass(config)
    known = {f.name: getattr(config, f.name) for f in fields(config)}
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in known:
            raise InputError(f"{where}: no option {name!r}; there are {', '.join(known)}")
        values[name] = _matching(value, known[name], f"{where}: {name}")
    return replace(config, **values)  # type: ignore[type-var]


def _matching(value: Any, like: Any, where: str) -> Any:
    if is_dataclass(like) and isinstance(value, Mapping):
        return configured(like, value, where)
    if isinstance(like, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(like, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if like is not None and value is not None and type(value) is not type(like):
        raise InputError(f"{where}: {value!r} is not of the kind of {like!r}")
    return value


def _plain(value: Any) -> Any:
    """Make what JSON can hold, as it comes back from there."""
    return json.loads(json.dumps(asdict(value) if is_dataclass(value) else value))  # type: ignore[arg-type]


def _versions() -> dict[str, str]:
    from emoview import __version__

    names = ("keras", "tensorflow", "numpy", "opencv-python", "mediapipe", "opensmile")
    return {
        "emoview": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }
