"""Annotations in tiers: ELAN documents and Praat TextGrids."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from emoview.common.stored import quoted
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.evaluation.annotations import CURE, Annotation, Notes

_TEXTGRID: Final = re.compile(r'\s*(?:File type = )?"ooTextFile')
# Praat skips whatever is no number, text or flag that stands by itself.
_TOKEN: Final = re.compile(
    r'"((?:[^"]|"")*)"|(<[^>\n]*>)|(?<!\S)([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?!\S)|![^\n]*'
)
_MOST_PARTS: Final = 1_000_000

Span = tuple[float, float]


def read_elan(path: Path, content: bytes, on_note: Notes) -> dict[str, list[Annotation]]:
    """Read all tiers of an ELAN document.

    Annotations of dependent tiers have the time of those that they refer to; several of one share it
    equally, as ELAN draws them.  Where the document counts from a later moment of its media, times become
    those of the media, which a note tells.

    Raises:
        InputError: It is no ELAN document, or damaged.
    """
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{name_of(path)} cannot be read ({error}): {CURE}") from None
    unit = root.find("HEADER[@TIME_UNITS]")
    if unit is not None and unit.get("TIME_UNITS") != "milliseconds":
        raise InputError(
            f"{name_of(path)} counts {quoted(unit.get('TIME_UNITS') or '')}, not milliseconds: save it again "
            "with ELAN"
        )
    times = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    tiers: dict[str, ElementTree.Element] = {}
    for element in root.iter("TIER"):
        name = str(element.get("TIER_ID"))
        if tiers.setdefault(name, element) is not element:
            raise InputError(f"{name_of(path)} has two tiers {quoted(name)}: rename one with ELAN")
    spans: dict[ElementTree.Element, Span] = {}
    for element in tiers.values():
        spans.update(_aligned(path, element, times))
    spans.update(_referring(root, spans))
    origin = _origin(path, root, on_note)
    spans = {element: (start + origin, end + origin) for element, (start, end) in spans.items()}
    return {name: list(_said(element, spans)) for name, element in tiers.items()}


def _origin(path: Path, root: ElementTree.Element, on_note: Notes) -> float:
    """Give the second of the media at which the document begins to count."""
    origins = {
        _seconds(path, text, text)
        for text in (media.get("TIME_ORIGIN") or "0" for media in root.iter("MEDIA_DESCRIPTOR"))
    }
    if len(origins) > 1:
        on_note(
            f"{name_of(path)}: its media begin at different times, so it is not known how far the annotation "
            "is off: its times are read as they are"
        )
    if len(origins) != 1 or origins == {0}:
        return 0.0
    (origin,) = origins
    on_note(f"{name_of(path)}: it counts from {origin:g} s of its media: that was added to all times")
    return origin


def _said(tier: ElementTree.Element, spans: Mapping[ElementTree.Element, Span]) -> Iterator[Annotation]:
    for element in tier.iter():
        if element.tag in ("ALIGNABLE_ANNOTATION", "REF_ANNOTATION"):
            label = (element.findtext("ANNOTATION_VALUE") or "").strip()
            span = spans.get(element)
            if span is not None and label:
                yield Annotation(*span, label)


def _aligned(
    path: Path, tier: ElementTree.Element, times: Mapping[str | None, str | None]
) -> Iterator[tuple[ElementTree.Element, Span]]:
    """Give the times of the annotations that have their own; those between two known ones share the time."""
    # ELAN keeps its slots in order of time, whatever that of the annotations.
    places = {slot: place for place, slot in enumerate(times)}
    elements = sorted(
        tier.iter("ALIGNABLE_ANNOTATION"), key=lambda one: places.get(one.get("TIME_SLOT_REF1"), 0)
    )
    waiting: list[tuple[ElementTree.Element, float]] = []
    for element in elements:
        start, end = (times.get(element.get(f"TIME_SLOT_REF{i}")) for i in (1, 2))
        if start is not None:
            waiting = [(element, _seconds(path, start, end))]
        elif waiting:
            waiting.append((element, waiting[0][1]))
        if end is None or not waiting:
            continue
        first, last = waiting[0][1], _seconds(path, end, end)
        if last < first:
            raise InputError(
                f"{name_of(path)}: {quoted(str(start))} to {quoted(end)} is no stretch in milliseconds: "
                "correct the document"
            )
        step = (last - first) / len(waiting)
        for number, (one, _) in enumerate(waiting):
            yield one, (first + step * number, first + step * (number + 1))
        waiting = []


def _seconds(path: Path, text: str, other: str | None) -> float:
    # Nine digits are eleven days.
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise InputError(
            f"{name_of(path)}: {quoted(text)} to {quoted(str(other))} is no stretch in milliseconds: "
            "correct the document"
        )
    return int(text) / 1000


def _referring(
    root: ElementTree.Element, spans: Mapping[ElementTree.Element, Span]
) -> dict[ElementTree.Element, Span]:
    """Give the times of annotations that refer to others, which may refer to others again."""
    parts: defaultdict[str, dict[str, list[ElementTree.Element]]] = defaultdict(lambda: defaultdict(list))
    for tier in root.iter("TIER"):
        for element in tier.iter("REF_ANNOTATION"):
            parts[str(element.get("ANNOTATION_REF"))][str(tier.get("TIER_ID"))].append(element)
    found: dict[ElementTree.Element, Span] = {}
    known = [(str(element.get("ANNOTATION_ID")), span) for element, span in spans.items()]
    while known:
        # Those that refer to each other, or to what is not there, are never reached.
        name, (start, end) = known.pop()
        for unordered in parts.pop(name, {}).values():
            elements = _in_order(unordered)
            step = (end - start) / len(elements)
            for number, element in enumerate(elements):
                found[element] = (start + step * number, start + step * (number + 1))
                known.append((str(element.get("ANNOTATION_ID")), found[element]))
    return found


def _in_order(elements: list[ElementTree.Element]) -> list[ElementTree.Element]:
    """Put annotations of one behind those that they name as the ones before them."""
    follows = {element.get("PREVIOUS_ANNOTATION"): element for element in elements}
    found: list[ElementTree.Element] = []
    name = None
    while name in follows:
        found.append(follows.pop(name))
        name = found[-1].get("ANNOTATION_ID")
    return found if len(found) == len(elements) else elements


def is_textgrid(text: str) -> bool:
    """Tell whether text is a file of Praat."""
    return _TEXTGRID.match(text) is not None


def read_textgrid(path: Path, text: str) -> dict[str, list[Annotation]]:
    """Read all tiers of a Praat TextGrid, in the long or the short form of its text files.

    Raises:
        InputError: It is another file of Praat, or damaged.
    """
    parts = _parts(text)
    try:
        if [next(parts), next(parts)] != ["ooTextFile", "TextGrid"]:
            raise InputError(f"{name_of(path)} is no TextGrid, but another file of Praat: {CURE}")
        _number(parts), _number(parts)
        if next(parts) != "<exists>":
            return {}
        tiers: dict[str, list[Annotation]] = {}
        for _ in range(int(_number(parts))):
            name, found = _tier(parts)
            while name in tiers:
                name += "_2"
            tiers[name] = found
    except (StopIteration, ValueError, TypeError, OverflowError):
        raise InputError(f"{name_of(path)} is a damaged TextGrid: save it again as a text file") from None
    return tiers


def _tier(parts: Iterator[str | float]) -> tuple[str, list[Annotation]]:
    kind, name = next(parts), next(parts)
    if kind not in ("IntervalTier", "TextTier") or not isinstance(name, str):
        raise ValueError(kind)
    _number(parts), _number(parts)
    found = []
    for _ in range(int(_number(parts))):
        start, end = _number(parts), _number(parts) if kind == "IntervalTier" else None
        label = next(parts)
        if not isinstance(label, str) or not 0 <= start < 1e6 or (end is not None and not start <= end < 1e6):
            raise ValueError(label)
        if label.strip():
            found.append(Annotation(start, end, label.strip()))
    return name, found


def _number(parts: Iterator[str | float]) -> float:
    value = next(parts)
    if not isinstance(value, float):
        raise TypeError(value)
    return value


def _parts(text: str) -> Iterator[str | float]:
    for number, found in enumerate(_TOKEN.finditer(text)):
        if number > _MOST_PARTS:
            raise ValueError
        if found[1] is not None:
            yield found[1].replace('""', '"')
        elif found[2] is not None:
            yield found[2]
        elif found[3] is not None:
            yield float(found[3])
