"""Networks of a run in the place of those that ship."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.face.align import network_input
from emoview.fusion.late import log_softmax
from emoview.networks.runs import NetworkOfRun, load_network, networks_of
from emoview.networks.sizes import FACE_SIZE
from emoview.pipeline.engines import Network
from emoview.pipeline.evidence import Logits
from emoview.pipeline.inference import FACE_BATCH, seven_labels
from emoview.timeline.labels import LABELS, VOICE_LABELS

STAND_IN = "stand_in"
"""What late fusion calls the network of a run."""
# The log-probability of a label that a network does not know.
_UNKNOWN = -20.0


@dataclass(frozen=True)
class StandIn:
    """A network of a run, in the place of those that ship for the face or the voice.

    Attributes:
        name: Of its file.
        network: What it takes and gives.
        model: It.
        sha256: Of its file.
    """

    name: str
    network: NetworkOfRun
    model: Network
    sha256: str

    @classmethod
    def load(cls, run: Path) -> StandIn:
        """Load the last network of a run that can stand for the face or the voice.

        Raises:
            InputError: The run has none.
        """
        usable = [n for n in networks_of(run) if _stands_in(n)]
        if not usable:
            raise InputError(
                f"{run} has no network that tells the seven labels from a face or a voice alone: "
                "name a run of one picture network, or of a voice network over mfcc-means or functionals"
            )
        network = usable[-1]
        file = f"{network.name}.keras"
        model = load_network(run, network)
        return cls(file, network, model, hashlib.sha256((run / file).read_bytes()).hexdigest())

    @property
    def is_face(self) -> bool:
        """Whether it stands for the networks of the face, or for those of the voice."""
        return self.network.task == "face"

    def faces(self, aligned: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give calibrated logits `(n, 7)` of aligned faces, up to `FACE_BATCH` RGB pictures."""
        size = self.network.size or FACE_SIZE
        batch = np.zeros((FACE_BATCH, size, size, 3 if self.network.colour else 1), np.float32)
        for row, face in enumerate(aligned):
            batch[row] = network_input(face, size, colour=self.network.colour)
        logits = np.asarray(self.model.predict_on_batch(batch))[: len(aligned)]
        order = [self.network.labels.index(label) for label in LABELS]
        return np.asarray(self.network.scale * logits[:, order], np.float32)

    def voices(self, logits: Logits) -> Logits:
        """Make its logits `(..., labels)` log-probabilities `(..., 7)`."""
        known = log_softmax(self.network.scale * logits)
        nine = np.full((*logits.shape[:-1], len(VOICE_LABELS)), _UNKNOWN, np.float32)
        nine[..., [VOICE_LABELS.index(label) for label in self.network.labels]] = known
        return seven_labels(nine)


def _stands_in(network: NetworkOfRun) -> bool:
    """Tell whether a network can stand for that of the face, or of the voice."""
    labels = set(network.labels)
    if network.task == "voice":
        return network.takes in ("functionals", "mfcc-means") and labels <= set(VOICE_LABELS)
    return network.task == "face" and network.takes == "pictures" and labels >= set(LABELS)
