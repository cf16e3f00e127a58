"""Rules that mark stretches of a result: `happy > 0.6 for 0.5 s`, `blink`, `speech starts`.

The language is this, and nothing else is taken:

    rule       = condition [ "for" NUMBER "s" ] | condition ( "starts" | "ends" )
    condition  = all { "or" all }
    all        = one { "and" one }
    one        = "not" one | "(" condition ")" | comparison | flag
    comparison = name ( ">" | ">=" | "<" | "<=" | "=" | "!=" ) NUMBER | "label" ( "=" | "!=" ) LABEL
    flag       = "blink" | "speech" | "face" | "speaking" | "off_screen" | "covered" | "usable" | LABEL

A name is that of a column with numbers, or a label, which stands for its probability in face and voice
together; of groups, `neutral` stands for that of the group.  A label alone is true where it is the label of
the tick.  Where a column says nothing, a comparison is neither true nor false, and with `not` before it
neither (Kleene's logic); a flag is false there.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.labels import GROUPS, LABELS, UNCERTAIN
from emoview.timeline.measures import ACTION_UNIT, MEASURE_COLUMNS, SOUND
from emoview.timeline.presence import presence_of
from emoview.timeline.results import COLUMNS, Analysis, Row, group_columns

Record = Mapping[str, Any]
Condition = Callable[[Record], bool | None]

_TOKEN: Final = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([A-Za-z_]\w*)|(>=|<=|!=|[-()<>=]))", re.ASCII)
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
    "!=": operator.ne,
}  # fmt: skip
_WORDS: Final = ("and", "or", "not", "for", "starts", "ends")
_FLAGS: Final = ("blink", "covered", "usable", "speaking", "off_screen")
_GROUPS: Final = (*group_columns(3), *group_columns(2))
_NUMBERS: Final = (*(name for name in COLUMNS if name != "label"), *_GROUPS, *MEASURE_COLUMNS)
_LABELS: Final = tuple(
    dict.fromkeys((*LABELS, *(one for groups in GROUPS.values() for one in groups), UNCERTAIN))
)
# Rules about these alone are about the sound.
_SOUND: Final = {
    "speech", "voice_id", *(name for name in _NUMBERS if name.startswith("voice_")),
    *(one.name for one in SOUND),
}  # fmt: skip
# They are known wherever they were looked for, as `presence_of` calls them.
_PRESENT: Final = frozenset({"face", "speech"})
# What a label stands for in a result of groups that have one by its name.
_OF_GROUP: Final[Mapping[str, str]] = {"neutral": "fused_neutral_surprise"}
_MOST_CHARACTERS: Final = 1000
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch, or a moment, that a rule marks.

    Attributes:
        start_s: Start, in seconds.
        end_s: End, in seconds; that of a moment is its start.
        event: The rule.
        person: Number of the person; None where the rule is about the sound alone, or there is no face.
    """

    start_s: float
    end_s: float
    event: str
    person: int | None


@dataclass(frozen=True)
class Rule:
    """A rule that was read.

    Attributes:
        text: As it was written.
        holds: Tells whether it holds in a row, given by its columns.
        least_s: Shortest stretch.
        edge: `starts` or `ends` for the moments at which stretches do; None for the stretches.
        of_sound: Whether it is about the sound alone.
        columns: Columns that it is about, and of `face` and `speech` those that it is about.
        labels: Labels that it is about, apart from their probabilities.
    """

    text: str
    holds: Condition
    least_s: float = 0.0
    edge: str | None = None
    of_sound: bool = False
    columns: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()


def read_rule(text: str) -> Rule:
    """Read a rule.

    Raises:
        InputError: It is none, or too long.
    """
    reader = _Reader(text)
    return reader.rule()


def lacking(analysis: Analysis, rule: Rule) -> list[str]:
    """Name the columns and labels of a rule that a result does not have, so that the rule tells nothing."""
    naming = analysis.naming
    labels = {*naming.groups, *([] if naming.least is None else [UNCERTAIN])}
    return sorted((rule.columns - {*analysis.columns, *_PRESENT}) | (rule.labels - labels))


def unsaid(analysis: Analysis, rule: Rule) -> list[str]:
    """Name the columns of a rule that a result has, but which are empty in all of its rows.

    A face or speech is named where nobody looked, or listened, for it.
    """
    left = set(rule.columns & set(analysis.columns))
    for row in analysis.timeline:
        record = analysis.record(row)
        left = {name for name in left if record[name] is None}
        if not left:
            break
    return sorted(left | (rule.columns & _PRESENT) - presence_of(analysis).keys())


def marks_of(analysis: Analysis, rule: Rule) -> list[Mark]:
    """Mark where a rule holds, for each person, by time.

    A rule about the sound alone marks the ticks of the whole, once.
    """
    runs: dict[int | None, list[Row]] = {}
    told_apart = any(row.voice_id is not None for row in analysis.timeline)

    def holds(row: Row) -> bool:
        record = analysis.record(row)
        # Where voices were not told apart, as with `causal`, somebody speaks nevertheless.
        record["speech"] = (row.voice_id if told_apart else row.voice) is not None
        return rule.holds(record) is True

    if rule.of_sound:
        runs[None] = _heard(analysis.timeline)
    else:
        for row in analysis.timeline:
            runs.setdefault(row.person, []).append(row)
    marks = []
    for person, rows in runs.items():
        for first, last in _stretches(rows, holds):
            start, end = time_of(first), time_of(last)
            if (last - first) / TICK_HZ + 1e-9 < rule.least_s:
                continue
            if rule.edge is not None:
                start = end = start if rule.edge == "starts" else end
            marks.append(Mark(start, end, rule.text, person))
    return sorted(marks, key=lambda mark: (mark.start_s, -1 if mark.person is None else mark.person))


def _heard(rows: Sequence[Row]) -> list[Row]:
    """Give one row a tick: of several faces that with the voice, which stands in one alone."""
    ticks: dict[int, Row] = {}
    for row in rows:
        if row.tick not in ticks or (row.voice is not None and ticks[row.tick].voice is None):
            ticks[row.tick] = row
    return list(ticks.values())


def _stretches(rows: list[Row], holds: Callable[[Row], bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for row in rows:
        if not holds(row):
            continue
        if found and found[-1][1] == row.tick:
            found[-1] = (found[-1][0], row.tick + 1)
        else:
            found.append((row.tick, row.tick + 1))
    return found


class _Reader:
    """Reads one rule, a token after the other."""

    def __init__(self, text: str) -> None:
        self._text = text.strip()
        self._names: set[str] = set()
        self._labels: set[str] = set()
        self._depth = 0
        if not self._text or len(self._text) > _MOST_CHARACTERS:
            raise InputError(f"a rule must have 1 to {_MOST_CHARACTERS} characters")
        self._tokens: list[str] = []
        at = 0
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._wrong(f"{self._text[at : at + 20].strip()!r} is not understood")
            self._tokens.append(found[0].strip())
            at = found.end()

    def rule(self) -> Rule:
        condition = self._condition()
        least, edge = 0.0, None
        if self._take("for"):
            least = self._number()
            if least < 0 or not self._take("s"):
                raise self._wrong("after for come a number and s, as in: happy > 0.6 for 0.5 s")
        elif self._next in ("starts", "ends"):
            edge = self._tokens.pop(0)
        if self._tokens:
            raise self._wrong(f"{self._next!r} was not expected")
        of_sound = self._names <= _SOUND
        names, labels = frozenset(self._names), frozenset(self._labels)
        return Rule(self._text, condition, least, edge, of_sound, names, labels)

    @property
    def _next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _take(self, token: str) -> bool:
        if self._next != token:
            return False
        self._tokens.pop(0)
        return True

    def _condition(self) -> Condition:
        return self._joined("or", True, lambda: self._joined("and", False, self._one))

    def _joined(self, word: str, decisive: bool, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self._take(word):
            parts.append(read())

        def joined(record: Record) -> bool | None:
            values = [part(record) for part in parts]
            if decisive in values:
                return decisive
            return None if None in values else not decisive

        return parts[0] if len(parts) == 1 else joined

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong("it has too many parts within parts")
        try:
            if self._take("not"):
                inner = self._one()
                return lambda record: None if (value := inner(record)) is None else not value
            if self._take("("):
                inside = self._condition()
                if not self._take(")"):
                    raise self._wrong("a ) is missing")
                return inside
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Condition:
        name = self._tokens.pop(0) if self._tokens else ""
        if not name.isidentifier() or name in _WORDS:
            raise self._wrong("a name is missing" if not name else f"{name!r} was not expected")
        compared = self._next in _COMPARISONS
        if name == "label" and compared:
            return self._label()
        if compared:
            column = f"fused_{name}" if name in _LABELS else name
            if column not in _NUMBERS and not ACTION_UNIT.fullmatch(column):
                raise self._wrong(f"{name!r} is no column with numbers, and no label")
            self._names.add(column)
            own = _OF_GROUP.get(name, column)
            compare, number = _COMPARISONS[self._tokens.pop(0)], self._number()

            def holds(record: Record) -> bool | None:
                value = record.get(own if own in record else column)
                return None if value is None else compare(value, number)

            return holds
        return self._flag(name)

    def _flag(self, name: str) -> Condition:
        self._names.add("label" if name in _LABELS else name)
        if name in _FLAGS:
            return lambda record: record.get(name) == 1
        if name == "speech":
            return lambda record: bool(record["speech"])
        if name == "face":
            return lambda record: record["face_id"] is not None
        if name in _LABELS:
            self._labels.add(name)
            return lambda record: record["label"] == name
        raise self._wrong(f"{name!r} is none of {', '.join((*_FLAGS, 'speech', 'face'))}, and no label")

    def _label(self) -> Condition:
        same = self._tokens.pop(0)
        label = self._tokens.pop(0) if self._tokens else ""
        self._names.add("label")
        if same not in ("=", "!=") or label not in _LABELS:
            raise self._wrong("after label come = or !=, and a label")
        self._labels.add(label)
        return lambda record: None if record["label"] is None else (record["label"] == label) == (same == "=")

    def _number(self) -> float:
        sign = -1.0 if self._take("-") else 1.0
        if not re.fullmatch(r"[\d.]+", self._next, re.ASCII):
            raise self._wrong("a number is missing")
        return sign * float(self._tokens.pop(0))

    def _wrong(self, what: str) -> InputError:
        return InputError(f"{name_of(self._text[:80])} is no rule: {name_of(what)}")
