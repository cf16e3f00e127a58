"""The networks that ship with the package: where they are, and whether they are what was shipped.

Those that were trained here lie in the folder of the weights, mediapipe's that find faces in
`emoview/face/models`.  Each folder has a manifest of its own.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from msgspec import Meta

from emoview.common.files import write_whole
from emoview.common.stored import read_json
from emoview.errors import WeightsError

_PACKAGED = Path(__file__).parents[1] / "_weights"
_CHECKOUT = Path(__file__).parents[2] / "weights"
_FACE_MODELS = Path(__file__).parents[1] / "face" / "models"

_CURE = "install emoview again"
_Name = Annotated[str, Meta(pattern=r"^\w[\w.-]{0,100}$")]
_Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]

MANIFEST = "manifest.json"
CARD = "MODEL_CARD.md"


@dataclass(frozen=True)
class Weight:
    """A shipped file, of emoview's own or of mediapipe's.

    Attributes:
        name: File name.
        path: Where it is.
        sha256: Hash of its content, checked.
    """

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class WeightState:
    """How a file of the manifest is found.

    Attributes:
        name: File name.
        expected: SHA-256 of what was shipped.
        found: SHA-256 of what is there; None where the file is missing.
        size: In bytes; 0 where it is missing.
        parameters: Numbers in it; None where it is no network of Keras', or not as shipped.
        trained: Whether it was trained here; mediapipe's models were not.
    """

    name: str
    expected: str
    found: str | None
    size: int
    parameters: int | None
    trained: bool = True

    @property
    def right(self) -> bool:
        """Whether it is what was shipped."""
        return self.found == self.expected


def weight_states() -> list[WeightState]:
    """Look at every file of the manifests.

    Raises:
        WeightsError: A manifest is missing or damaged.
    """
    return [
        _state(folder / name, expected, trained=folder != _FACE_MODELS)
        for folder in (weights_folder(), _FACE_MODELS)
        for name, expected in _manifest(folder).items()
    ]


def model_card() -> str:
    """Read the model card, as Markdown.

    Raises:
        WeightsError: It is missing.
    """
    try:
        return (weights_folder() / CARD).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise WeightsError(
            "the model card is missing from this installation: install emoview again"
        ) from None


def _state(path: Path, expected: str, *, trained: bool) -> WeightState:
    try:
        content = path.read_bytes()
    except OSError:
        return WeightState(path.name, expected, None, 0, None, trained)
    found = hashlib.sha256(content).hexdigest()
    counted = _parameters(path) if found == expected and path.suffix == ".h5" else None
    return WeightState(path.name, expected, found, len(content), counted, trained)


def _parameters(path: Path) -> int:
    import h5py

    count = 0

    def add(_: str, item: Any) -> None:
        nonlocal count
        if isinstance(item, h5py.Dataset):
            count += item.size

    with h5py.File(path) as file:
        file.visititems(add)
    return count


def weights_folder() -> Path:
    """Find the weights: beside the package in a checkout, inside it in an installed wheel."""
    for folder in (_PACKAGED, _CHECKOUT):
        if (folder / MANIFEST).is_file():
            return folder
    raise WeightsError("the weights are missing from this installation: install emoview again")


@functools.cache
def shipped(name: str) -> Weight:
    """Find a shipped file and check its hash.

    Raises:
        WeightsError: It is missing, or is not the file that was shipped.
    """
    faces = _manifest(_FACE_MODELS)
    folder = _FACE_MODELS if name in faces else weights_folder()
    expected = faces.get(name) or _manifest(folder).get(name)
    path = folder / name
    if expected is None or not path.is_file():
        raise WeightsError(f"the weight file {name} is missing: install emoview again")
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise WeightsError(f"the weight file {name} cannot be read ({error.strerror}): {_CURE}") from None
    if found != expected:
        raise WeightsError(f"the weight file {name} was changed or damaged: install emoview again")
    return Weight(name, path, found)


def _manifest(folder: Path) -> dict[str, Any]:
    return read_json(folder / MANIFEST, dict[_Name, _Sha256], _CURE, error=WeightsError)


def write_manifest(folder: Path) -> None:
    """Write the hashes of all weight files of a folder."""
    hashes = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.suffix in {".h5", ".onnx", ".json"} and path.name != MANIFEST
    }
    write_whole(folder / MANIFEST, json.dumps(hashes, indent=2) + "\n")
