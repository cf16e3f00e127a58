"""What is counted on the way, so that a stream of any length ends in a result of the usual form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.baseline import Baseline
from emoview.fusion.late import softmax
from emoview.live.causal.moment import Moment, rounded
from emoview.pipeline.evidence import Logits
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import AFFECT
from emoview.timeline.clock import time_of
from emoview.timeline.labels import Naming
from emoview.timeline.results import FaceBox, FaceFound, Overall, Verdict

# Beyond so many tracks, those that were seen least are forgotten.
_MOST_TRACKS = 512
_SILENCE_DB = -119.0


@dataclass
class _Mean:
    """Mean logits of each network."""

    count: int = 0
    sums: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, logits: Mapping[str, Logits]) -> None:
        self.count += 1
        for name, values in logits.items():
            self.sums[name] = self.sums.get(name, np.zeros(len(values))) + values

    def means(self) -> dict[str, Logits]:
        return {name: np.asarray(total / self.count, np.float32) for name, total in self.sums.items()}


class Tally:
    """Counts ticks, faces and speech, and keeps means of what the networks said."""

    def __init__(self, load: Callable[[], Models], baseline: Baseline | None = None) -> None:
        self._load, self._baseline = load, baseline
        self._faces: dict[int, _Mean] = {}
        # Of the face that is looked at, and that the voice belongs to, whosever it is.
        self._main = _Mean()
        self._areas: dict[int, float] = {}
        # First tick, last tick, and how many.
        self._seen: dict[int, tuple[int, int, int]] = {}
        self._voice = _Mean()
        self._power = 0.0
        # Live, pictures may be dropped, so that not every tick is answered.
        self.ticks = self._answered = self.with_face = self.with_speech = 0
        self.faces = self.most = 0
        self.fused = False
        self.estimated = False

    def add(self, moment: Moment) -> None:
        """Count a tick."""
        self.ticks = moment.tick + 1
        self._answered += 1
        self.with_face += bool(moment.faces)
        self.most = max(self.most, len(moment.faces))
        self.with_speech += moment.speech
        self.fused |= moment.voice is not None and bool(moment.faces)
        if moment.level_db is not None and moment.level_db > _SILENCE_DB:
            self._power += 10 ** (moment.level_db / 10)

    def add_face(
        self, tick: int, face_id: int, box: FaceBox, logits: Mapping[str, Logits], *, affect_estimated: bool,
        main: bool,
    ) -> None:  # fmt: skip
        """Add what the networks say of a face at a tick, and whether the voice belongs to it then."""
        if main:
            self._main.add(logits)
        if face_id not in self._faces:
            self.faces += 1
            if len(self._faces) >= _MOST_TRACKS:
                least = min(self._areas, key=self._areas.__getitem__)
                del self._faces[least], self._areas[least], self._seen[least]
            self._faces[face_id] = _Mean()
        self._faces[face_id].add(logits)
        self._areas[face_id] = self._areas.get(face_id, 0.0) + box.width * box.height
        first, _, count = self._seen.get(face_id, (tick, tick, 0))
        self._seen[face_id] = first, tick, count + 1
        self.estimated |= affect_estimated

    def add_voice(self, logits: Mapping[str, Logits]) -> None:
        """Add what the networks say of the voice at a tick."""
        self._voice.add(logits)

    @property
    def mean_level_db(self) -> float | None:
        """Mean level of the sound below full scale; None for digital silence, or without sound."""
        return round(10 * math.log10(self._power / self._answered), 1) if self._power else None

    @property
    def face_share(self) -> float:
        """Share of the answered ticks with a face."""
        return round(self.with_face / max(1, self._answered), 4)

    @property
    def speech_share(self) -> float:
        """Share of the answered ticks with speech."""
        return round(self.with_speech / max(1, self._answered), 4)

    @property
    def found(self) -> tuple[FaceFound, ...]:
        """List the tracks, those that were forgotten left out; each counts as a person."""
        return tuple(
            FaceFound(i, i, time_of(first), time_of(last + 1), count)
            for i, (first, last, count) in sorted(self._seen.items())
        )

    @property
    def affect_network(self) -> set[str]:
        """Name the network that estimated valence and arousal, where there was one."""
        return {AFFECT} if self.estimated else set()

    @property
    def networks(self) -> set[str]:
        """Name the networks that were asked."""
        return {name for mean in (self._voice, *self._faces.values()) for name in mean.sums}

    def overall(self, asked: str, naming: Naming) -> Overall:
        """Give the verdicts on all that was seen and heard, of the face `asked`, or the largest of all.

        Where whoever speaks, or is the largest, is looked at, it is that face of each moment, as in the rows.
        """
        wanted = int(asked) if asked.isdecimal() else None
        main = wanted if wanted in self._faces else max(
            self._areas, key=lambda i: (self._areas[i], -i), default=None
        )  # fmt: skip
        face = {} if main is None or (wanted is not None and main != wanted) else self._faces[main].means()
        if asked in ("speaking", "largest") and self._main.count:
            face = self._main.means()
        voice = self._voice.means() if self._voice.count else {}
        answers = {"face": face, "voice": voice, "fused": {**face, **voice}}

        def verdict(name: str) -> Verdict | None:
            logits = answers[name]
            if not logits:
                return None
            rule = name if name != "fused" else "both" if face and voice else "face" if face else "voice"
            fusion = self._load().late_fusion(rule, self._baseline)
            return Verdict.of(rounded(softmax(fusion(logits))), naming)

        return Overall(face=verdict("face"), fused=verdict("fused"), voice=verdict("voice"))
