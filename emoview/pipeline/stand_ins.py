"""Networks of runs, which stand for those that ship, or say what those do not: valence and arousal."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.fusion.late import log_softmax
from emoview.networks.runs import NetworkOfRun, load_network, networks_of
from emoview.networks.sizes import FACE_SIZE
from emoview.pipeline.engines import Network
from emoview.pipeline.inference import FACE_BATCH
from emoview.timeline.labels import LABELS, VOICE_LABELS

Role = Literal["face", "voice", "affect"]
"""What a network is for: labels of the face, labels of the voice, or valence and arousal of the face."""

STAND_INS: Mapping[Role, str] = {"face": "face_stand_in", "voice": "voice_stand_in"}
"""What late fusion calls the networks of runs."""
AFFECT: Final = "affect"
"""What the network for valence and arousal is called among those that took part."""
ROLES: Final[Mapping[Role, str]] = {"face": "the face", "voice": "the voice", "affect": "valence and arousal"}
"""What networks are for, in words."""
# The log-probability of a label that a network does not know.
_UNKNOWN = -20.0


def _role(network: NetworkOfRun) -> Role | None:
    """Name what a network can be for; None where the pipeline has no use for it."""
    labels = set(network.labels)
    if network.task == "voice":
        fits = network.takes in ("functionals", "mfcc-means") and labels <= set(VOICE_LABELS)
        return "voice" if fits else None
    if network.takes != "pictures":
        return None
    if network.task == "va":
        return "affect" if network.labels == ("valence", "arousal") and network.size else None
    return "face" if network.task == "face" and labels >= set(LABELS) else None


def chosen(run: Path) -> tuple[Role, NetworkOfRun]:
    """Choose the last network of a run that the pipeline can use, and say what for.

    Raises:
        InputError: The run has none.
    """
    for network in reversed(networks_of(run)):
        role = _role(network)
        if role is not None:
            return role, network
    raise InputError(
        f"{run} has no network that tells the seven labels from a face or a voice alone, or valence and "
        "arousal: name a run of one picture network, of a voice network over mfcc-means or "
        "functionals, or of valence-arousal"
    )


def roles(runs: Sequence[str]) -> dict[Role, NetworkOfRun]:
    """Say what the networks of runs are for.

    Raises:
        InputError: A run has no network of use, or two are for the same.
    """
    found: dict[Role, NetworkOfRun] = {}
    for run in runs:
        role, network = chosen(Path(run))
        if role in found:
            raise InputError(f"{run} is another run for {ROLES[role]}: name one")
        found[role] = network
    return found


@dataclass(frozen=True)
class StandIn:
    """A network of a run, in the place of those that ship for the face or the voice, or for affect.

    Attributes:
        name: Of its file.
        role: What it is for.
        network: What it takes and gives.
        model: It.
        sha256: Of its file.
    """

    name: str
    role: Role
    network: NetworkOfRun
    model: Network
    sha256: str

    @classmethod
    def load(cls, run: Path) -> StandIn:
        """Load the last network of a run that the pipeline can use.

        Raises:
            InputError: The run has none.
        """
        role, network = chosen(run)
        file = f"{network.name}.keras"
        model = load_network(run, network)
        return cls(file, role, network, model, hashlib.sha256((run / file).read_bytes()).hexdigest())

    def faces(self, aligned: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give calibrated logits `(n, 7)` of aligned faces, up to `FACE_BATCH` RGB pictures.

        What a network of eight labels says of contempt is left out, so that the probabilities are those of a
        face that shows none.
        """
        logits = self._answers(aligned)
        return logits[:, [self.network.labels.index(label) for label in LABELS]]

    def affect(self, squares: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give valence and arousal `(n, 2)` in [-1, 1] of up to `FACE_BATCH` RGB squares about a face."""
        return np.clip(self._answers(squares), -1, 1)

    def voices(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make its logits `(..., labels)` log-probabilities `(..., 9)` of `VOICE_LABELS`."""
        known = log_softmax(self.network.scale * logits)
        nine = np.full((*logits.shape[:-1], len(VOICE_LABELS)), _UNKNOWN, np.float32)
        nine[..., [VOICE_LABELS.index(label) for label in self.network.labels]] = known
        return nine

    def _answers(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        from emoview.face.align import network_input

        size = self.network.size or FACE_SIZE
        batch = np.zeros((FACE_BATCH, size, size, 3 if self.network.colour else 1), np.float32)
        for row, picture in enumerate(pictures):
            batch[row] = network_input(picture, size, colour=self.network.colour)
        said = np.asarray(self.model.predict_on_batch(batch))[: len(pictures)]
        return np.asarray(self.network.scale * said, np.float32)
