"""What the models and the rules answer: probabilities of a face, of the voice, and of both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.baseline import Baseline
from emoview.fusion.early import early_input
from emoview.fusion.lasting import Lasting
from emoview.fusion.late import log_softmax, softmax
from emoview.fusion.personal import FACE_PERSONAL
from emoview.pipeline.evidence import FaceTrack, Floats, Logits, SequenceLogits, Voice
from emoview.pipeline.inference import SMOOTHING_S, nearest, over_time, run_sequence, seven_labels, smooth
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import AFFECT, STAND_INS
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import valence_arousal

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Said:
    """Logits of models, by name: of the whole, `(7,)` each, and of the ticks, `(ticks, 7)` each."""

    whole: Mapping[str, Logits]
    ticks: Mapping[str, Logits]


@dataclass(frozen=True)
class Answer:
    """Probabilities: of the whole, `(7,)`, and of the ticks, `(ticks, 7)`."""

    whole: NDArray[np.float64]
    ticks: NDArray[np.float64]

    @property
    def over_time(self) -> Answer:
        """The same with the mean over the ticks for the whole."""
        return replace(self, whole=self.ticks.mean(axis=0))


class Answers:
    """Asks models and rules about the evidence, and remembers which models were used.

    Args:
        models: The networks and rules.
        voice: What was heard.
        ticks: Of the whole.
        baseline: What answers are relative to.
        smooth_s: Ticks are averaged with Gaussian weights of this standard deviation; None for the model of
            how long expressions last.
    """

    def __init__(
        self,
        models: Models,
        voice: Voice | None,
        ticks: int,
        baseline: Baseline | None,
        smooth_s: float | None = None,
    ) -> None:
        self._models, self._heard, self._ticks, self._baseline = models, voice, ticks, baseline
        self._smooth_s = smooth_s
        self.speech, self._words = np.zeros(ticks, bool), np.zeros(ticks, bool)
        if voice is not None:
            self.speech[: voice.ticks], self._words[: voice.ticks] = voice.heard, voice.speech
        self.used: set[str] = set()

    def relative_to(self, baseline: Baseline) -> Answers:
        """Ask the same models, relative to another baseline."""
        other = Answers(self._models, self._heard, self._ticks, baseline, self._smooth_s)
        other.used = self.used
        return other

    def said_of_face(self, track: FaceTrack) -> Said:
        """Give what the models say of a track, for each of its ticks."""
        logits, gru = track.logits, track.gru
        if gru is None:
            name = STAND_INS["face"]
            return Said({name: logits.mean(axis=0)}, {name: logits})
        if self._baseline is not None and self._baseline.face is not None:
            assert track.moments is not None
            said = self._models.personal_face(track.moments.values.astype(np.float32), self._baseline.face)
            ticks = said[track.moments.of]
            return Said({FACE_PERSONAL: ticks.mean(axis=0)}, {FACE_PERSONAL: ticks})
        return Said(
            {"face_cnn": logits.mean(axis=0), "face_gru": gru.whole},
            {"face_cnn": logits, "face_gru": gru.ticks},
        )

    def said_of_voice(self, heard: NDArray[np.bool_] | None = None) -> Said | None:
        """Give what the models say of the voice, for all ticks; None where nobody speaks.

        Args:
            heard: `(ticks,)`, of which ticks the answer for the whole is; None for all with speech.
        """
        voice, stand_in = self._heard, self._models.stand_ins.get("voice")
        if voice is None or voice.clip is None:
            return None
        words = self._words if heard is None else heard & self._words
        if not np.array_equal(words, self._words):
            if not words.any():
                return None
            voice = _of_some(voice, words[: voice.ticks])
        assert voice.clip is not None
        if stand_in is not None:
            name, whole = STAND_INS["voice"], stand_in.voices(voice.clip.whole)
            ticks = _extended(stand_in.voices(voice.clip.ticks), self._ticks)
            return Said({name: seven_labels(whole)}, {name: seven_labels(ticks)})
        assert voice.tcn is not None
        networks = {"voice_tcn": voice.tcn, "voice_clip": voice.clip}
        return self._plain(
            {name: seven_labels(said.whole) for name, said in networks.items()},
            {name: _extended(seven_labels(said.ticks), self._ticks) for name, said in networks.items()},
        )

    def face(self, said: Said, track: FaceTrack) -> Answer:
        """Answer for a face."""
        whole, ticks = self._late("face", said)
        return Answer(softmax(whole), self._over_time(ticks, track))

    def voice(self, said: Said) -> Answer:
        """Answer for the voice."""
        whole, ticks = self._late("voice", said)
        if self._lasting is not None:
            # In silence nothing is said: what was said last is not said again and again.
            ticks = np.where(self._words[:, None], ticks, 0.0)
        return Answer(softmax(whole), self._over_time(ticks))

    def both(
        self, fusion: str, track: FaceTrack, face: Said, voice: Said, speaks: NDArray[np.bool_]
    ) -> Answer:
        """Answer for a face and its voice by `late` or `early` fusion, for each tick of the track.

        `speaks`, `(ticks,)`, tells where the voice is the face's.
        """
        # What dies away behind the words is no evidence of its own.
        ticks, speaks = track.ticks, speaks & self._words
        if fusion == "late":
            own = self._own(speaks)
            there = {name: values[own][ticks] for name, values in voice.ticks.items()}
            whole, joined = self._late("both", Said({**face.whole, **voice.whole}, {**face.ticks, **there}))
        else:
            whole, joined = self._early(track, speaks)
        # Where nobody speaks, the face speaks alone.
        _, alone = self._late("face", face)
        if self._lasting is not None:
            said = np.where(speaks[ticks, None], log_softmax(joined), log_softmax(alone))
            return Answer(softmax(whole), self._over_time(said, track))
        # What was said fades out, and in, rather than that each pause between two words changes the label.
        heard = smooth(speaks[:, None].astype(np.float64), sigma=self._sigma)[ticks]
        # Of a voice that is somebody else's nothing fades in.
        heard = np.where((self._words & ~speaks)[ticks, None], 0.0, heard)
        both, own_face = self._over_time(joined, track), self._over_time(alone, track)
        return Answer(softmax(whole), heard * both + (1 - heard) * own_face)

    def affect(self, track: FaceTrack, fused: Answer) -> NDArray[np.float64]:
        """Give valence and arousal of a track's ticks, `(n, 2)`.

        A network of a run estimates them where there is one; else they follow from the probabilities.
        """
        if track.affect is None:
            return np.array([valence_arousal(probabilities) for probabilities in fused.ticks])
        self.used.add(AFFECT)
        return smooth(track.affect, track.ticks, track.ids, sigma=self._sigma).astype(np.float64)

    def _plain(self, whole: dict[str, Logits], ticks: dict[str, Logits]) -> Said:
        if self._baseline is None:
            return Said(whole, ticks)
        return Said(self._baseline.removed(whole), self._baseline.removed(ticks))

    def _late(self, rule: str, said: Said) -> tuple[Doubles, Doubles]:
        """Give the joined logits of the whole and of the ticks."""
        fusion = self._models.late_fusion(rule, self._baseline)
        self.used |= set(said.whole)
        return fusion(said.whole), fusion(said.ticks)

    @property
    def _sigma(self) -> float:
        """Standard deviation of what averages ticks, in ticks."""
        return (SMOOTHING_S if self._smooth_s is None else self._smooth_s) * TICK_HZ

    @property
    def _lasting(self) -> Lasting | None:
        return None if self._smooth_s is not None else self._models.lasting

    def _over_time(self, logits: Doubles, track: FaceTrack | None = None) -> Doubles:
        """Make probabilities of ticks from logits of each by itself, `(n, 7)`."""
        at, ids = (None, None) if track is None else (track.ticks, track.ids)
        return over_time(logits, self._lasting, at, ids, sigma=self._sigma)

    def _own(self, speaks: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Name the tick by whose voice each is answered: where others speak, the nearest of the face's."""
        every = np.arange(len(speaks))
        own = np.flatnonzero(speaks)
        return np.where(self._words & ~speaks, nearest(own, own, len(speaks)), every)

    def _early(self, track: FaceTrack, speaks: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
        assert self._heard is not None
        assert self._heard.tcn is not None
        assert track.embeddings is not None
        present = track.ticks
        embeddings = np.zeros((self._ticks, track.embeddings.shape[1]), np.float32)
        embeddings[present] = track.embeddings
        has_face = np.zeros(self._ticks, bool)
        has_face[present] = True
        voice = _extended(self._heard.tcn.ticks, self._ticks)
        answer = run_sequence(self._models.early_fusion, early_input(embeddings, has_face, voice, speaks))
        self.used.add("early_fusion")
        scale = self._models.early_scale
        return scale * answer.whole, scale * answer.ticks[present]


def _of_some(voice: Voice, heard: NDArray[np.bool_]) -> Voice:
    """Let the answers for the whole be those of some ticks."""

    def mean(said: SequenceLogits) -> SequenceLogits:
        return SequenceLogits(said.ticks[: len(heard)][heard].mean(axis=0), said.ticks)

    assert voice.clip is not None
    return replace(voice, clip=mean(voice.clip), tcn=None if voice.tcn is None else mean(voice.tcn))


def _extended(values: Floats, ticks: int) -> Floats:
    """Repeat the last entry up to `ticks`: the sound may end before the pictures do."""
    if len(values) >= ticks:
        return values[:ticks]
    return np.pad(values, ((0, ticks - len(values)), (0, 0)), mode="edge")
