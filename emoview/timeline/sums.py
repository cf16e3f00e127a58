"""What sums up the measures of a clip: blinks and usable ticks of each person, and the pace of speech."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log10
from statistics import fmean, median
from typing import Final

from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.moments import faces_by_presence
from emoview.timeline.pace import pauses, sounding, syllables
from emoview.timeline.results import Analysis, Row
from emoview.timeline.shares import overall_rows

_BLINK, _USABLE, _LEVEL, _PITCH = (
    MEASURE_COLUMNS.index(name) for name in ("blink", "usable", "sound_db", "pitch_hz")
)
# Of less than two seconds a rate says nothing, nor of the background five ticks.
_LEAST_S: Final = 2.0
_LEAST_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class PersonSum:
    """What is measured on one person.

    Attributes:
        person: Number of the person.
        seconds: Time in which the face is seen, in seconds.
        usable_share: Share of these ticks that are usable, from 0 to 1. Missing in imported results.
        blinks: Number of blinks. Missing where the face is too small.
        blinks_per_min: Blinks a minute of the time in which the eyes are seen. Missing below two seconds.
        blink_s: Mean time for which the eyes are closed in a blink, in seconds. Missing without blinks.
    """

    person: int
    seconds: float
    usable_share: float | None
    blinks: int | None
    blinks_per_min: float | None
    blink_s: float | None


@dataclass(frozen=True, slots=True)
class VoiceSum:
    """What is measured on the voice: that of the measured face where it speaks, else all that is heard.

    With `--voice` it is the one that was asked for, or all.

    Attributes:
        speech_s: Time with speech, in seconds, with short silence in it.
        syllables_per_s: Syllables a second of speech. Missing below two seconds.
        pauses: Number of pauses in the speech: silence from a quarter of a second on, in which nobody else
            speaks.
        pause_s: Mean length of the pauses, in seconds. Missing without pauses.
        pitch_hz: Median pitch, in Hz. Missing where nothing is voiced.
        snr_db: Level of the speech over that of the rest, in dB. Missing where somebody always speaks.
    """

    speech_s: float
    syllables_per_s: float | None
    pauses: int
    pause_s: float | None
    pitch_hz: float | None
    snr_db: float | None


def sums_of_persons(analysis: Analysis) -> list[PersonSum]:
    """Sum up each person, the one that has most rows first; none where nothing was measured."""
    rows: dict[int, list[Row]] = {}
    for row in analysis.timeline:
        if row.person is not None and row.measures is not None:
            rows.setdefault(row.person, []).append(row)
    return [_person(one, rows[one]) for one in faces_by_presence(analysis.timeline) if one in rows]


def voice_of(analysis: Analysis, people: Collection[int | None]) -> VoiceSum | None:
    """Sum up the voice of some of the faces; where no face speaks, any; None where only other faces do.

    Where one voice was asked for, or all, it is that.  None where nobody speaks or nothing was measured, too.
    """
    if analysis.options.voice != "face":
        return _sum_of_voice(analysis, {row.tick for row in analysis.timeline if row.voice is not None})
    everybody, asked = [row for row in analysis.timeline if _speaks(row)], _with_unseen(analysis, people)
    own = {row.tick for row in everybody if row.person in asked}
    return None if everybody and not own else _sum_of_voice(analysis, own)


def overall_voice(analysis: Analysis) -> VoiceSum | None:
    """Sum up the voice of whom the overall result is about, as `voice_of` does."""
    return voice_of(analysis, {row.person for row in overall_rows(analysis)})


def _speaks(row: Row) -> bool:
    """Tell whether the voice in a row is that of whom it is about, as `own_voice` does."""
    return row.speaking if row.face_id is not None else row.voice is not None and row.fused is not None


def _with_unseen(analysis: Analysis, people: Collection[int | None]) -> set[int | None]:
    """Give people, and None for rows without a face where these have the voice of one of them.

    It is that of whom the overall result is about: who is not seen all the time speaks on meanwhile.
    """
    main = {row.person for row in overall_rows(analysis)} - {None}
    return {*people, None} if not main or not main.isdisjoint(people) else {*people} - {None}


def _sum_of_voice(analysis: Analysis, own: Collection[int]) -> VoiceSum | None:
    """Sum up what is said in ticks; in all with speech where these are none."""
    ticks: dict[int, Row] = {}
    heard: set[int] = set()
    for row in analysis.timeline:
        ticks.setdefault(row.tick, row)
        if row.voice_id is not None:
            heard.add(row.tick)
    spoken = own or heard
    # Where the sound ends before the pictures, there is no level.
    known = [
        (tick, db, row.measures[_PITCH])
        for tick, row in ticks.items()
        if row.measures is not None and (db := row.measures[_LEVEL]) is not None
    ]
    speech = [tick in spoken for tick, _, _ in known]
    if not any(speech):
        return None
    level, pitch = [one for _, one, _ in known], [hz for _, _, hz in known]
    seconds = time_of(sum(speech))
    count = len(syllables(level, [hz is not None for hz in pitch], speech))
    # Where somebody else speaks in between, it is a change of turns.
    anybody = [tick in heard for tick, _, _ in known]
    others = [tick in heard and tick not in spoken for tick, _, _ in known]
    said = sounding(level, speech, _rest_db(level, anybody))
    gaps = [(first, last) for first, last in pauses(said) if not any(others[first:last])]
    tones = [hz for hz, said in zip(pitch, speech, strict=True) if said and hz is not None]
    return VoiceSum(
        seconds,
        round(count / seconds, 2) if seconds >= _LEAST_S else None,
        len(gaps),
        round(fmean(time_of(last - first) for first, last in gaps), 3) if gaps else None,
        round(median(tones), 1) if tones else None,
        above_rest_db(level, speech, anybody),
    )


def blinks_of(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Give the blinks in the rows of one person: of each the first tick, and the one after its last."""
    return list(_stretches(rows, _BLINK, 1))


def unusable_of(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Give the stretches of rows of one person that are not usable, as `blinks_of` gives blinks."""
    return list(_stretches(rows, _USABLE, 0))


def _stretches(rows: Sequence[Row], column: int, value: float) -> Iterator[tuple[int, int]]:
    first = last = -1
    for row in rows:
        if row.measures is None or row.measures[column] != value:
            continue
        if row.tick != last:
            if last > first:
                yield first, last
            first = row.tick
        last = row.tick + 1
    if last > first:
        yield first, last


def _person(person: int, rows: list[Row]) -> PersonSum:
    flags = [row.measures[_BLINK] for row in rows if row.measures is not None]
    seen = sum(flag is not None for flag in flags)
    usable = [flag == 1 for row in rows if row.measures if (flag := row.measures[_USABLE]) is not None]
    found = blinks_of(rows)
    return PersonSum(
        person,
        time_of(len(rows)),
        round(fmean(usable), 4) if usable else None,
        len(found) if seen else None,
        round(60 * TICK_HZ * len(found) / seen, 1) if seen >= _LEAST_S * TICK_HZ else None,
        round(fmean(time_of(last - first) for first, last in found), 3) if found else None,
    )


def above_rest_db(level: Iterable[float], speech: Iterable[bool], heard: Iterable[bool]) -> float | None:
    """Give the level of the speech over that of the rest; None where somebody always speaks, or nobody.

    Args:
        level: Of each tick, in dB.
        speech: Where the voice speaks that is measured.
        heard: Where anybody speaks.
    """
    level = list(level)
    loud = [10 ** (db / 10) for db, said in zip(level, speech, strict=True) if said]
    rest_db = _rest_db(level, heard)
    if not loud or rest_db is None:
        return None
    return round(10 * log10(fmean(loud)) - rest_db, 1)


def _rest_db(level: Iterable[float], heard: Iterable[bool]) -> float | None:
    """Give the level of what is no speech; None where there is hardly anything."""
    rest = [db for db, said in zip(level, heard, strict=True) if not said]
    return median(rest) if len(rest) >= _LEAST_TICKS else None
