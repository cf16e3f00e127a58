"""What `import emoview` offers, with the imports that it needs put off until it is used."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from emoview.common.text import shown
from emoview.errors import InputError
from emoview.pipeline.events import EventHook, ignore
from emoview.pipeline.result import Result
from emoview.pipeline.streams import Stream, Turns
from emoview.timeline.labels import LabelCount
from emoview.timeline.options import Options, weights_of
from emoview.timeline.results import Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


Source = str | os.PathLike[str] | bytes | BinaryIO
"""What can be analysed: a path, the content of a file, or an open file."""


class Analyzer:
    """Analyses one clip after another with the same options and networks; threads may share it.

    At the end of a `with` block it is closed, see `close`; who needs no block may leave that out.

    Examples:
        >>> with Analyzer() as analyzer:
        ...     print(analyzer.analyze("clip.mp4", end_s=0.4).overall.label)
        happy
        >>> analyzer = Analyzer(Options(labels=3), at_once=2)

    Args:
        options: How; the defaults are those of the command.
        at_once: So many calls run at the same time, the others wait: each holds pictures, a face mesh and
            what the networks compute with.

    Raises:
        InputError: The options exclude each other, or name what is not there.
    """

    def __init__(self, options: Options | None = None, *, at_once: int = 2) -> None:
        from emoview.pipeline.check import check

        if options is not None and not isinstance(options, Options):
            raise InputError(f"options must be Options, such as Options(labels=3), not {options!r:.80}")
        self.options = options or Options()
        check(self.options)
        if type(at_once) is not int or at_once < 1:
            raise InputError(f"at_once must be a whole number, 1 or more, not {at_once!r}")
        self._turns = Turns(at_once)
        self._streams: set[Generator[tuple[Row, ...], None, None]] = set()
        self._closed = False

    def __enter__(self) -> Analyzer:
        self._refuse_closed()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all streams, with their decoders, and refuse further calls; closing twice does no harm.

        Calls that run in other threads come to their end, and results stay as they are. Networks stay loaded
        for other analyses in the same process.

        Examples:
            >>> closed = Analyzer()
            >>> closed.close()
            >>> closed.analyze("clip.mp4")
            Traceback (most recent call last):
            emoview.errors.InputError: this Analyzer is closed: make another
        """
        self._closed = True
        for rows in list(self._streams):
            # One that another thread reads ends there, before its next tick.
            with suppress(ValueError):
                rows.close()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise InputError("this Analyzer is closed: make another")

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no more calls run than are allowed."""
        with self._turns.turn():
            self._refuse_closed()
            yield

    def analyze(
        self,
        source: Source,
        *,
        start_s: float = 0.0,
        end_s: float | None = None,
        on_event: EventHook = ignore,
        allow_network: bool = False,
    ) -> Result:
        """Turn a video, or a sound file, into an emotion timeline.

        Examples:
            >>> with open("clip.mp4", "rb") as file:
            ...     print(analyzer.analyze(file, end_s=0.4).overall.label)
            positive

        Args:
            source: A path, or what else `analyze` takes; the content of a file as bytes; or a file opened for
                reading bytes.
            start_s: Second at which to start; the timeline counts from there.
            end_s: Second at which to end; None for the end.
            on_event: Told of every step forward, from several threads.
            allow_network: Let ffmpeg open an address.

        Raises:
            InputError: The source cannot be analysed, or does not hold what the options ask for.
            DeviceError: The device asked for is not there.
            WeightsError: The installation lacks its weights.
        """
        if isinstance(source, str | os.PathLike):
            return self._run(source, start_s, end_s, on_event, allow_network=allow_network)
        from emoview.common.files import private_folder
        from emoview.media.source import copy_content

        with private_folder() as folder:
            file = folder / "content"
            name = copy_content(source, file)
            return self._run(file, start_s, end_s, on_event, name)

    def stream(
        self, source: str | os.PathLike[str], *, start_s: float = 0.0, end_s: float | None = None
    ) -> Stream:
        """Analyse a video, or a sound file, tick by tick, without looking ahead or remembering rows.

        Memory does not grow with the length of the video. The rows are those of `analyze` with `causal`. It
        counts as a call that runs until it is read to its end or closed.

        Examples:
            >>> for rows in analyzer.stream("clip.mp4", end_s=0.08):
            ...     print([(row.time_s, row.person, row.label) for row in rows])
            [(0.0, 0, 'positive')]
            [(0.04, 0, 'positive')]

        Args:
            source: A path, or what else `analyze` takes, but for addresses.
            start_s: Second at which to start; the timeline counts from there.
            end_s: Second at which to end; None for the end.

        Returns:
            The rows of each tick of 40 ms: one for each face that is reported, or one without a face. Their
            `warnings` are complete behind the last.

        Raises:
            InputError: The source cannot be analysed, or an option needs the whole recording; or, as the
                stream is read, it has no face of the number asked for, told behind the last rows.
            DecodeError: A decoder gave up before the end, which is told behind the last rows.
            DeviceError: The device asked for is not there.
            WeightsError: The installation lacks its weights.
        """
        warnings: list[str] = []
        return Stream(self._streamed(source, start_s, end_s, warnings), warnings)

    def _streamed(
        self, source: str | os.PathLike[str], start_s: float, end_s: float | None, warnings: list[str]
    ) -> Generator[tuple[Row, ...], None, None]:
        if not isinstance(source, str | os.PathLike):
            raise InputError(f"a source of a stream is a path, not {source!r:.80}")
        rows = self._rows(source, start_s, end_s, warnings)
        self._streams.add(rows)
        try:
            for some in rows:
                yield some
                self._refuse_closed()
        finally:
            self._streams.discard(rows)
            rows.close()

    def _rows(
        self, source: str | os.PathLike[str], start_s: float, end_s: float | None, warnings: list[str]
    ) -> Generator[tuple[Row, ...], None, None]:
        """Stream, and hold what that takes: `close` closes this generator, and whoever reads is told."""
        from emoview.media.probe import Stretch
        from emoview.pipeline.analysis import stream

        with self._turn():
            stretch = Stretch(start_s, end_s)
            yield from stream(source, options=self.options, stretch=stretch, warnings=warnings)

    def analyze_arrays(
        self,
        pictures: Iterable[NDArray[np.uint8]] | None = None,
        times_s: Sequence[float] | None = None,
        *,
        samples: NDArray[Any] | None = None,
        rate: int | None = None,
        on_event: EventHook = ignore,
    ) -> Result:
        """Turn pictures, samples or both into an emotion timeline.

        Examples:
            >>> import numpy as np
            >>> silence = np.zeros(16_000, np.float32)
            >>> analyzer.analyze_arrays(samples=silence, rate=16_000).media.speech_share
            0.0

        Args:
            pictures: `(height, width, 3)` RGB in 8 bits each, all of one size; an iterator is read once.
            times_s: When each is shown, in seconds that rise from 0; by default 25 a second.
            samples: `(n,)` or `(n, channels)`: floats in [-1, 1], or 16-bit integers; they start at 0 s.
            rate: Samples a second.
            on_event: Told of every step forward, from several threads.

        Raises:
            InputError: There is nothing, arrays do not fit, or they do not hold what the options ask for.
        """
        from emoview.common.files import private_folder
        from emoview.media.arrays import write_media

        with private_folder() as folder:
            file = folder / "arrays.mkv"
            write_media(file, pictures=pictures, times_s=times_s, samples=samples, rate=rate)
            return self._run(file, 0.0, None, on_event, "arrays")

    def _run(
        self,
        path: str | os.PathLike[str],
        start_s: float,
        end_s: float | None,
        on_event: EventHook,
        name: str | None = None,
        *,
        allow_network: bool = False,
    ) -> Result:
        from emoview.media.probe import Stretch
        from emoview.pipeline.analysis import analyze as run

        stretch = Stretch(start_s, end_s)
        try:
            with self._turn():
                result = run(
                    path,
                    options=self.options,
                    stretch=stretch,
                    on_event=on_event,
                    allow_network=allow_network,
                )
        except InputError as error:
            if name is None:
                raise
            # Nobody knows the file for a while by its name.
            raise type(error)(str(error).replace(str(path), name)) from error
        if name is not None:
            result = replace(result, media=replace(result.media, path=shown(name)))
        return Result.of(result)


def _grouped(merge: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    try:
        return tuple(tuple(group) for group in merge)
    except TypeError:
        raise InputError(
            f"merge must be groups of face numbers, such as [[0, 3]], not {merge!r:.80}"
        ) from None


def analyze(
    path: str | os.PathLike[str],
    *,
    fusion: Literal["late", "early", "auto"] = "auto",
    modality: Literal["both", "face", "voice"] = "both",
    max_faces: int = 4,
    face: str | int = "largest",
    merge: Sequence[Sequence[int]] = (),
    split: bool = False,
    labels: LabelCount = 7,
    device: Literal["auto", "cpu", "gpu"] = "auto",
    weights: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    explain: bool = False,
    baseline: str | os.PathLike[str] | None = None,
    voice_features: Literal["opensmile", "builtin"] = "opensmile",
    least_confidence: float | None = None,
    rate: float | None = None,
    capture_rate: float | None = None,
    clock: bool = False,
    allow_network: bool = False,
    audio_track: str | int | None = None,
    channel: Literal["mix", "left", "right"] = "mix",
    min_segment: float = 0.5,
    aspect: str = "auto",
    voice: str | int = "face",
    causal: bool = False,
    self_baseline: bool = True,
    measure: bool = True,
    min_quality: float | None = None,
    smooth: float | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    on_event: EventHook = ignore,
) -> Result:
    """Turn a video, or a sound file, into an emotion timeline.

    Examples:
        >>> analyze("clip.mp4", modality="face", labels=2, end_s=0.4).overall.label
        'positive'

    Args:
        path: Any file that ffmpeg can read; `-` for standard input; a name such as `frames_%04d.png`, or a
            folder, of numbered pictures; an address such as `rtsp://camera/stream`.
        fusion: Join face and voice by their logits (`late`), by their features (`early`), or by whichever
            did better on people unseen in training (`auto`).
        modality: Look, listen, or both.
        max_faces: Faces looked for in a picture.
        face: `largest` over time, `speaking` for the one whose lips move in each turn, `all`, or the
            number of a person.
        merge: Groups of persons that are one: the first number of each stands for all.
        split: Take each track for a person of its own.
        labels: 7, or their grouping into 3 or 2: a group has the sum of the probabilities of its labels.
        device: `auto` takes a GPU where there is one.
        weights: Run folder of `emoview train`, whose network takes the place of the shipped one, or gives
            valence and arousal; several for the face, the voice, and these two.
        explain: Let each segment say where its label came from: which places on the face, and what in the
            voice.
        baseline: File of `emoview baseline`, about this person.
        voice_features: What describes the voice: openSMILE, or emoview itself (`builtin`).
        least_confidence: Below this probability, in [0, 1], a label is `uncertain`; None for no such limit.
        rate: Numbered pictures a second.
        capture_rate: Pictures a second at which slow motion was captured; times become those of the capture.
        clock: Add the time of day to each row, as far as the file knows it.
        allow_network: Let ffmpeg open an address.
        audio_track: Number, from 1, or name of the sound track; None for the first.
        channel: `left` or `right` for one channel of the sound; `mix` for all, or for the one that goes with
            the face where each channel has its own speaker.
        min_segment: Shortest segment, in seconds; see `emoview.timeline.segments`.
        aspect: `auto` widens pictures that look squeezed from 16:9 to 4:3, `keep` never; or the ratio of
            width to height that they are meant to have, such as `16:9`.
        voice: Whose voice counts: `face` for that of the measured face, `all` for whatever is heard, or the
            number of a voice.
        causal: Look at nothing that comes later, as live analysis does.
        self_baseline: Take a recording of a minute or more in which a face shows different things as the
            baseline of that face.
        measure: Add measures of face, picture and voice to each row.
        min_quality: Leave out faces whose quality, from 0 to 1, is below this; None for no such limit.
        smooth: Average ticks with Gaussian weights of this standard deviation, in seconds; 0 leaves them as
            they are, and None takes the model of how long expressions last.
        start_s: Second of the file at which to start; the timeline counts from there.
        end_s: Second of the file at which to end; None for its end.
        on_event: Told of every step forward, from several threads.

    Returns:
        The timeline, one row per tick of 40 ms and face, and labels for the whole.

    Raises:
        InputError: The file cannot be analysed, or does not hold what is asked for.
        DeviceError: The device asked for is not there.
        WeightsError: The installation lacks its weights.
    """
    given = () if weights is None else (weights,) if isinstance(weights, str | os.PathLike) else weights
    person = None if baseline is None else os.fspath(baseline)
    options = Options(
        fusion, modality, max_faces, str(face), labels, device, weights_of([os.fspath(run) for run in given]),
        explain, person, voice_features, least_confidence, rate, capture_rate, clock,
        None if audio_track is None else str(audio_track), channel, _grouped(merge),
        split, min_segment, aspect, str(voice), causal, self_baseline, measure, min_quality, smooth,
    )  # fmt: skip
    return Analyzer(options).analyze(
        path, start_s=start_s, end_s=end_s, on_event=on_event, allow_network=allow_network
    )


def read(path: str | os.PathLike[str]) -> Result:
    """Read the JSON of a result.

    Examples:
        >>> path = result.save("clip.json")
        >>> read(path).overall.label
        'happy'

    Raises:
        InputError: The file is missing, or no result of this or an earlier version.
    """
    from emoview.output.read import read_json

    return Result.of(read_json(Path(path)))
