"""SEMAINE (McKeown et al. 2012, IEEE Transactions on Affective Computing 3, 5-17): videos and traces.

The data set was not at hand.  Its layout is taken from public code that reads it, among it the preprocessing
of sucv/phd2 on GitHub: folders `Sessions/1`, `Sessions/2`, ... with

- videos `2008.12.05.16.03.15_User ... .avi` and `... _Operator ... .avi`;
- traces of FeelTrace, such as `R5S1TUCPoDV.txt`: rater 5, recording 1, of the user (`TU`; `TO` is the
  operator), who talks to the character Poppy, valence (`DV`; `DA` is arousal).  A line holds the time in
  seconds and the value in [-1, 1], every 0.02 s;
- `session.xml`, which names the `subject` in each `role`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import quoted, read_bytes
from emoview.datasets.clips import is_video
from emoview.datasets.files import visible
from emoview.datasets.names import listed
from emoview.errors import DatasetError
from emoview.media.probe import probe
from emoview.timeline.clock import LONGEST_S, TICK_HZ

EVERY: Final = 10
"""One frame of so many is kept (system C, section 4.2)."""
ROLES: Final = {"U": "User", "O": "Operator"}
_TRACE: Final = re.compile(r"R\d+.*?T(?P<role>[UO])\w*D(?P<what>[VA])\.txt", re.IGNORECASE)
_LOG = "session.xml"
_AGAIN = "fetch it again."
# Beyond its first and last line a trace holds for so long: it begins at 0.02 s.
_HELD_S = 0.1


@dataclass(frozen=True)
class Recording:
    """A video of somebody, with what raters traced.

    Attributes:
        name: Session and role, such as `12-User`.
        video: Its file.
        person: Who is in it; where the session does not say, its recording and role.
        traces: Files of `V` and `A`, one for each rater.
    """

    name: str
    video: Path
    person: str
    traces: dict[str, tuple[Path, ...]]

    def rated(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Give the ticks `(n,)` of one frame of ten that is rated, and its valence and arousal `(n, 2)`.

        Raises:
            InputError: The video cannot be opened.
            DatasetError: A trace does not fit.
        """
        media = probe(self.video)
        rate = media.video.rate if media.video is not None else None
        step = max(1, round(EVERY * TICK_HZ / (rate or TICK_HZ)))
        end_s = LONGEST_S if media.duration_s is None else min(media.duration_s, LONGEST_S)
        ticks = np.arange(0, math.ceil(end_s * TICK_HZ), step)
        values = self.values(ticks / TICK_HZ)
        known = np.isfinite(values).all(axis=1)
        return ticks[known], values[known]

    def values(self, times: NDArray[np.float64]) -> NDArray[np.float32]:
        """Give `(n, 2)`, valence and arousal in [-1, 1] at times `(n,)` in seconds.

        Each is the mean of the raters who rate at that time, between whose values there are straight lines: a
        rater who stopped early counts until then.  NaN where nobody rates.

        Raises:
            DatasetError: A trace does not fit; the message names the line.
        """
        return np.stack([_mean([read_trace(f) for f in self.traces[w]], times) for w in "VA"], axis=1)


def semaine_root(folder: Path) -> Path | None:
    """Find the folder of the sessions, `folder/Sessions` or `folder`; None where there are no traces."""
    for root in (folder / "Sessions", folder):
        if root.is_dir() and any(_traces(place) for place in visible(root) if place.is_dir()):
            return root
    return None


def read_semaine(folder: Path) -> tuple[Recording, ...]:
    """List the recordings with traces of valence and arousal.

    Args:
        folder: Holds `Sessions`, or is it.

    Raises:
        DatasetError: There are none, or the video of one is missing or not the only one.
    """
    root = semaine_root(folder)
    found = (
        [] if root is None else [r for place in visible(root) if place.is_dir() for r in _recordings(place)]
    )
    if not found:
        raise DatasetError(
            f"{folder} holds no session with traces of valence (*DV.txt) and arousal (*DA.txt)."
        )
    return tuple(found)


def read_trace(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read a trace: times `(n,)` in seconds, which grow, and values `(n,)` in [-1, 1].

    Raises:
        DatasetError: A line is something else.
    """
    content = read_bytes(file, _AGAIN, error=DatasetError).decode("utf-8-sig", "replace")
    rows: list[tuple[float, float]] = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        row = _pair(line)
        if row is None or not abs(row[1]) <= 1 or (rows and row[0] <= rows[-1][0]):
            raise DatasetError(
                f"{file}, line {number}: {quoted(line.strip())} is not a time in seconds, later than the one "
                f"before, and a value between -1 and 1; {_AGAIN}"
            )
        rows.append(row)
    if not rows:
        raise DatasetError(f"{file} is empty; {_AGAIN}")
    times, values = np.array(rows).T
    return times, values


def _pair(line: str) -> tuple[float, float] | None:
    try:
        time_s, value = map(float, line.split())
    except ValueError:
        return None
    return (time_s, value) if math.isfinite(time_s) and time_s >= 0 else None


def _mean(
    traces: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]], times: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Average traces at `times`."""
    total, raters = np.zeros(len(times)), np.zeros(len(times))
    for known, values in traces:
        rated = (times >= known[0] - _HELD_S) & (times <= known[-1] + _HELD_S)
        total += np.where(rated, np.interp(times, known, values), 0)
        raters += rated
    return np.where(raters > 0, total / np.maximum(raters, 1), np.nan).astype(np.float32)


def _traces(session: Path) -> dict[str, dict[str, list[Path]]]:
    """Find the traces of a session, by role and by `V` and `A`."""
    found: dict[str, dict[str, list[Path]]] = {}
    for file in visible(session):
        match = _TRACE.fullmatch(file.name)
        if match is not None and file.is_file():
            of_role = found.setdefault(match["role"].upper(), {})
            of_role.setdefault(match["what"].upper(), []).append(file)
    return found


def _recordings(session: Path) -> Iterator[Recording]:
    for letter, traces in sorted(_traces(session).items()):
        if set(traces) != {"V", "A"}:
            continue
        role = ROLES[letter]
        videos = [file for file in visible(session) if is_video(file) and role in file.name]
        if len(videos) != 1:
            names = listed([video.name for video in videos])
            there = f"{len(videos)} videos, {names}," if videos else "no video"
            raise DatasetError(
                f"{session} has traces of the {role.lower()}, but {there} with {role} in the name; keep the "
                "one that shows the face from the front, or take the traces away."
            )
        person = _subject(session / _LOG, role) or f"{videos[0].name.split('_')[0]} {role}"
        yield Recording(f"{session.name}-{role}", videos[0], person, {w: tuple(f) for w, f in traces.items()})


def _subject(log: Path, role: str) -> str | None:
    """Read who has a role in a session; None where nothing says so."""
    if not log.is_file():
        return None
    try:
        root = ElementTree.fromstring(read_bytes(log, _AGAIN, error=DatasetError))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise DatasetError(f"{log} is not XML ({error}); {_AGAIN}") from None
    ids = (s.get("id") for s in root.iter("subject") if s.get("role") == role)
    return next((f"subject {name}" for name in ids if name), None)
