"""The networks and rules of an analysis, loaded once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError, WeightsError
from emoview.fusion.baseline import Baseline
from emoview.fusion.lasting import Lasting
from emoview.fusion.late import LateFusion
from emoview.fusion.personal import People, PersonalFace
from emoview.networks.sizes import EMBEDDING
from emoview.networks.weights import Weight, shipped
from emoview.pipeline.engines import LOOPED, Engine, Network, face_maps, load, weight_of
from emoview.pipeline.stand_ins import STAND_INS, Role, StandIn, roles
from emoview.timeline.labels import LABELS
from emoview.timeline.options import Options
from emoview.voice.features import VoiceFeatures

FUSION_FILE = "fusion.json"


class Models:
    """The networks of an analysis; each is loaded when it is first asked for."""

    def __init__(
        self,
        runs: Sequence[str] = (),
        engine: Engine = Engine.ONNX,
        features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    ) -> None:
        """Use what ships for such voice features, or in its place networks of runs, which Keras runs.

        Raises:
            InputError: A run has no network of use, or two are for the same.
        """
        self.engine, self.features = engine, features
        roles(runs)
        loaded = [StandIn.load(Path(run)) for run in runs]
        self.stand_ins: Mapping[Role, StandIn] = {one.role: one for one in loaded}

    @cached_property
    def face_cnn(self) -> Network:
        return load("face_cnn", self.engine)

    @cached_property
    def face_maps(self) -> Network:
        """The face network before its last stage."""
        return face_maps(self.face_cnn)

    @cached_property
    def face_identity(self) -> Network:
        """What tells from these maps whose face it is."""
        return load("face_identity", self.engine)

    @cached_property
    def face_gru(self) -> Network:
        return load("face_gru", Engine.ONNX)

    @cached_property
    def face_votes(self) -> Network:
        """The face network's second answer, from its embeddings: how raters would vote."""
        return load("face_votes", self.engine)

    @cached_property
    def voice_tcn(self) -> Network:
        return load(self._file("voice_tcn"), self.engine)

    @cached_property
    def voice_clip(self) -> Network:
        return load(self._file("voice_clip"), self.engine)

    @cached_property
    def speaker(self) -> Network:
        """What tells voices apart."""
        return load("speaker", self.engine)

    @cached_property
    def early_fusion(self) -> Network:
        return load("early_fusion", Engine.ONNX)

    def weight(self, model: str) -> Weight:
        """Give the file behind a model."""
        return weight_of(self._file(model), Engine.ONNX if model in LOOPED else self.engine)

    def _file(self, model: str) -> str:
        return model + self.features.suffix if model.startswith("voice_") else model

    @cached_property
    def _fusion(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(shipped(FUSION_FILE).path.read_text())
        return settings

    @property
    def usual(self) -> dict[str, NDArray[np.float64]]:
        """Mean logits of people, `(7,)` of each network of the voice."""
        return {model: np.array(values) for model, values in self._fusion["usual"].items()}

    @cached_property
    def personal_face(self) -> PersonalFace:
        """What tells labels of a face relative to what the person usually shows."""
        stored = self._fusion["personal_face"]
        people = People(np.array(stored["mean"]), np.array(stored["variance"]))
        return PersonalFace(people, np.array(stored["kernel"]), np.array(stored["bias"]))

    def late_fusion(self, name: str, baseline: Baseline | None = None) -> LateFusion:
        """Give the rule that joins the models of `face`, of `voice`, or of `both`.

        Others join what they say relative to a person's baseline, or what the face says relative to one of
        the face and the voice says as ever.

        Of what a stand-in says beside the other modality nothing was learned, so that both count
        by their calibrated logits.
        """
        if not self._replaced:
            return self._rule(name, self._fusion[self._kind(name, baseline)])
        weights: dict[str, NDArray[np.float64]] = {}
        bias = np.zeros(len(LABELS))
        for role, own in STAND_INS.items():
            if name not in (role, "both"):
                continue
            if role in self.stand_ins:
                weights[own] = np.ones(len(LABELS))
            else:
                rule = self._rule(role, self._fusion["without_baseline"])
                weights |= rule.weights
                bias = bias + rule.bias
        return LateFusion(weights, bias)

    def _kind(self, name: str, baseline: Baseline | None) -> str:
        """Name the rules that go with what a baseline holds."""
        if baseline is None:
            return "without_baseline"
        if name == "both" and baseline.face is not None and not baseline.logits:
            return "with_face_baseline"
        there = baseline.logits if name == "voice" else baseline.face
        return "with_baseline" if there else "without_baseline"

    @property
    def _replaced(self) -> bool:
        """Whether networks of runs tell labels."""
        return any(role in self.stand_ins for role in STAND_INS)

    def _rule(self, name: str, rules: Mapping[str, Any]) -> LateFusion:
        rule = rules[name]
        weights = {model: np.array(values) for model, values in rule["weights"].items()}
        return LateFusion(weights, np.array(rule["bias"]))

    @cached_property
    def lasting(self) -> Lasting | None:
        """How long labels last; None where nothing was fitted.

        Raises:
            WeightsError: What is stored is no such model.
        """
        fitted = self._fusion.get("lasting")
        if fitted is None:
            return None
        try:
            return Lasting(**{key: float(value) for key, value in fitted.items()})
        except (AttributeError, TypeError, ValueError) as wrong:
            raise WeightsError(f"{FUSION_FILE} is damaged at lasting: install emoview again") from wrong

    @property
    def early_scale(self) -> float:
        """What early logits are multiplied with to be calibrated."""
        return float(self._fusion["early_scale"])

    @property
    def automatic_fusion(self) -> str:
        """`late` or `early`: the one that did better on people it had not seen."""
        only_late = self._replaced or self.features is not VoiceFeatures.OPENSMILE
        return "late" if only_late else str(self._fusion["auto"])

    def fusion_for(self, options: Options) -> str:
        """Name the fusion that is meant, `late` or `early`."""
        if options.fusion != "auto":
            return options.fusion
        return self.automatic_fusion if options.baseline is None else "late"


def read_baseline(file: str) -> Baseline:
    """Read what a person shows in general.

    Raises:
        InputError: The file is no baseline, or was made with other weights.
    """
    baseline = Baseline.read(Path(file), shipped(FUSION_FILE).sha256)
    if baseline.face is not None and len(baseline.face.mean) != EMBEDDING:
        raise InputError(
            f"{file} is damaged at face (not {EMBEDDING} values): make it again with emoview baseline"
        )
    return baseline
