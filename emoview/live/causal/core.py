"""The causal core: a picture and the sound up to it go in, and what is known at that tick comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import numbered
from emoview.fusion.baseline import Baseline
from emoview.fusion.late import softmax
from emoview.fusion.personal import FACE_PERSONAL
from emoview.live.causal.hearing import Heard, Hearing, Samples
from emoview.live.causal.moment import FaceNow, Floats, Moment, rounded
from emoview.live.causal.tally import Tally
from emoview.live.causal.watching import Seen, Watching
from emoview.live.causal.zero import PersonalZero
from emoview.pipeline.check import check_causal
from emoview.pipeline.evidence import Found, Logits, altered_share
from emoview.pipeline.models import Models
from emoview.pipeline.speaker import find_speaker
from emoview.pipeline.stand_ins import roles
from emoview.pipeline.timings import Timings
from emoview.pipeline.warnings import NO_FACE, of_finding, of_networks
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import valence_arousal
from emoview.timeline.options import Options
from emoview.voice.features import VoiceFeatures

SMOOTHING_S = 0.6
"""Seconds over which answers are smoothed, where nothing else is asked for."""
# From one look for whose lips move to the next.
_LOOK_TICKS = TICK_HZ // 2


@dataclass
class Manner:
    """What may be changed while it runs.

    Attributes:
        smoothing_s: Seconds after which what was said counts a third.
        every: The networks are asked about every so many pictures.
    """

    smoothing_s: float = SMOOTHING_S
    every: int = 1


class CausalAnalysis:
    """Analyses a stream tick by tick; closed as a context manager.

    One thread gives pictures, and another may give the sound.  A tick is answered by what was seen up to it,
    and heard up to `DELAY` ticks before it.  Nothing is held back for later.

    Args:
        load: Gives the models; asked when they are needed.
        options: How to analyse.
        manner: What may be changed while it runs.
        baseline: What answers are relative to.
        timings: Told of the time it takes.
        pictures: Whether there are pictures.
        sound: Whether there is sound.
    """

    def __init__(
        self,
        load: Callable[[], Models],
        options: Options,
        *,
        manner: Manner | None = None,
        baseline: Baseline | None = None,
        timings: Timings | None = None,
        pictures: bool = True,
        sound: bool = True,
    ) -> None:
        check_causal(options)
        self._load, self._options, self._baseline = load, options, baseline
        smooth = SMOOTHING_S if options.smooth is None else options.smooth
        self.manner = manner or Manner(smooth)
        affect = roles(options.runs).get("affect")
        self._watching: Watching | None = None
        if pictures and options.modality != "voice":
            self._watching = Watching(
                load, max_faces=options.max_faces, square=affect.size if affect else None,
                smoothing=self._smoothing, timings=timings or Timings(), aspect=options.aspect,
            )  # fmt: skip
        self._hearing: Hearing | None = None
        if sound and options.modality != "face":
            self._hearing = Hearing(load, VoiceFeatures(options.voice_features), self._smoothing)
        self.tally = Tally(load, baseline)
        self.zero = PersonalZero()
        self._pictures = 0
        self._speaker: int | None = None
        self._looked = -_LOOK_TICKS

    def __enter__(self) -> CausalAnalysis:
        return self

    def __exit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.__exit__()

    @property
    def widened(self) -> float:
        """How much wider the pictures of most faces were made, see `Proportions`."""
        widened = self._watching.widened if self._watching is not None else {}
        return max(widened, key=widened.__getitem__, default=1.0)

    def hear(self, samples: Samples) -> None:
        """Take the next samples, `(n,)` at 16 kHz in [-1, 1]; the first belong to tick 0."""
        if self._hearing is not None:
            self._hearing.add(samples)

    def skip_sound(self, tick: int) -> None:
        """Say that the next samples belong to a later tick, since none came before."""
        if self._hearing is not None:
            self._hearing.skip(tick)

    def see(
        self, tick: int, picture: NDArray[np.uint8] | None, scale: float = 1.0
    ) -> tuple[Moment, list[Found]]:
        """Take the picture of a tick, and say what is known then.

        Args:
            tick: Later than at the last call.
            picture: `(height, width, 3)` RGB; None where there is none.
            scale: Pixels as shown for each pixel of `picture`.

        Returns:
            What is known, and the faces that were found.
        """
        found: list[Found] = []
        seen: list[Seen] = []
        if self._watching is not None and picture is not None:
            found = self._watching.find(tick, picture, scale)
            if self._pictures % max(1, self.manner.every) == 0:
                self._watching.ask(found)
            self._pictures += 1
            seen = self._watching.seen(found)
        heard = None if self._hearing is None else self._hearing.at(tick)
        moment = self._joined(tick, [one for one in seen if one.logits], heard)
        self.tally.add(moment)
        return moment, found

    def lacking(self) -> Iterator[str]:
        """Say what was asked for and never came: of a stream that is not known before."""
        if self._watching is not None and not self._pictures:
            yield "no pictures came: the face columns are empty"
        if self._hearing is not None and not self._hearing.heard:
            yield "no sound came: the voice columns are empty"
        asked, ids = self._options.face, [face.face_id for face in self.tally.found]
        if asked.isdecimal() and ids and int(asked) not in ids:
            yield f"there was no face {asked}, but {numbered('face', ids)}: the face columns are empty"

    def warnings(self) -> list[str]:
        """Say what a user should know of what was found."""
        said = []
        if self._pictures and not self.tally.faces:
            said.append(NO_FACE)
        if self._hearing is not None and self._hearing.heard and not self.tally.with_speech:
            said.append("no speech was found: the voice columns are empty")
        most = self.tally.most
        altered = 0.0 if self._watching is None else altered_share(self._watching.widened)
        said += of_finding(most, altered, self._options)
        if most > 1 and self._options.face == "largest":
            said.append(
                f"up to {most} faces were found at once; the largest of each moment was analysed: "
                "use --face speaking, --face all or --face ID for others"
            )
        return [*said, *(of_networks(self._load()) if self._watching is not None else ())]

    def _smoothing(self) -> float:
        return self.manner.smoothing_s * TICK_HZ

    def _joined(self, tick: int, seen: list[Seen], heard: Heard | None) -> Moment:
        voice = dict(heard.logits) if heard is not None else {}
        main = self._main(tick)
        own = next((one.logits for one in seen if one.face_id == main), {})
        self.zero.learn(tick, own)
        voice = self._plain(voice)
        speaks = heard is not None and heard.speech
        said = self._late("voice", voice) if voice and speaks else None
        faces = []
        for one in seen:
            face = self._face(one)
            with_voice = one.face_id == main and heard is not None and bool(voice)
            alone = self._late("face", face)
            fused = alone
            if with_voice and heard is not None:
                both = self._late("both", {**face, **voice})
                fused = heard.share * both + (1 - heard.share) * alone
            valence, arousal = rounded(valence_arousal(fused) if one.affect is None else one.affect)
            faces.append(
                FaceNow(one.face_id, one.box, one.outline, rounded(alone), rounded(fused), valence, arousal,
                        speaks and one.face_id == main)
            )  # fmt: skip
            self.tally.add_face(
                tick, one.face_id, one.box, face, affect_estimated=one.affect is not None,
                main=one.face_id == main,
            )  # fmt: skip
        if said is not None:
            self.tally.add_voice(voice)
        affect_of_voice = None if said is None else rounded(valence_arousal(said))
        return Moment(
            tick, tuple(faces), self._chosen(main, seen), main, speaks,
            None if said is None else rounded(said),
            None if affect_of_voice is None else (affect_of_voice[0], affect_of_voice[1]),
            None if heard is None else heard.level_db,
        )  # fmt: skip

    def _main(self, tick: int) -> int | None:
        """Name the face that the voice belongs to: the one asked for, the one that speaks, or the largest."""
        if self._watching is None:
            return None
        asked = self._options.face
        if asked.isdecimal():
            return int(asked)
        tracks = self._watching.tracks
        wanted = asked == "speaking" or (asked == "all" and len(tracks) > 1)
        if wanted and self._hearing is not None and tick - self._looked >= _LOOK_TICKS:
            self._looked = tick
            first, speech, level = self._hearing.speech_and_level()
            lips = self._watching.lips()
            recent = {i: (t[t >= first] - first, o[t >= first]) for i, (t, o) in lips.items()}
            speaker = find_speaker(recent, speech, level) if len(speech) else None
            # Whoever spoke last keeps the voice until somebody else is heard.
            if speaker is not None:
                self._speaker = speaker.face_id
        if wanted and self._speaker in tracks:
            return self._speaker
        return self._watching.main()

    def _chosen(self, main: int | None, seen: list[Seen]) -> frozenset[int]:
        if self._options.face == "all":
            return frozenset(one.face_id for one in seen)
        return frozenset() if main is None else frozenset([main])

    def _face(self, seen: Seen) -> dict[str, Logits]:
        """Give what is said of a face, relative to what is known of the person."""
        if self._baseline is None or self._baseline.face is None or seen.embedding is None:
            return self._plain(seen.logits)
        return {FACE_PERSONAL: self._load().personal_face(seen.embedding, self._baseline.face)}

    def _plain(self, logits: Mapping[str, Logits]) -> dict[str, Logits]:
        """Take away what is known of the person."""
        plain = self.zero.removed(logits)
        return plain if self._baseline is None else self._baseline.removed(plain)

    def _late(self, rule: str, logits: Mapping[str, Logits]) -> Floats:
        fusion = self._load().late_fusion(rule, self._baseline)
        return np.asarray(softmax(fusion(logits)), np.float64)
