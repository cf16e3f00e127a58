"""The segments as an ELAN document (.eaf): a tier for each modality, beside the linked media.

The format is the ELAN Annotation Format 3.0 of the Max Planck Institute for Psycholinguistics.
"""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree

from emoview.output.tiers import Tier, tiers_of
from emoview.timeline.in_file import in_file
from emoview.timeline.results import Analysis

# The format wants a date; that of the writing would make each file differ from the one before.
_DATE: Final = "1970-01-01T00:00:00+00:00"
_SCHEMA: Final = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE: Final = "emotion"
_EVENTS: Final = "event"
_VOCABULARY: Final = "emotions"
_LANGUAGE: Final = "und"


def eaf_file(analysis: Analysis, path: Path) -> bytes:
    """Write the segments as the ELAN document that is to be at `path`, with times of the recording.

    The labels are a controlled vocabulary, so that who corrects them picks from a list.
    """
    document = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "emoview", "DATE": _DATE, "FORMAT": "3.0", "VERSION": "3.0",
            "xmlns:xsi": _XSI, "xsi:noNamespaceSchemaLocation": _SCHEMA,
        },
    )  # fmt: skip
    tiers = [_on_file(analysis, tier) for tier in tiers_of(analysis)]
    _add_header(document, analysis.media.path, path, sum(len(tier.segments) for tier in tiers))
    slots = ElementTree.SubElement(document, "TIME_ORDER")
    slot_of = _add_slots(slots, tiers)
    number = 0
    for tier in tiers:
        element = ElementTree.SubElement(
            document,
            "TIER",
            {"LINGUISTIC_TYPE_REF": _TYPE if tier.labels else _EVENTS, "TIER_ID": tier.name},
        )
        for segment in tier.segments:
            number += 1
            times = (slot_of[_ms(segment.start_s)], slot_of[_ms(segment.end_s)])
            _add_annotation(element, number, times, segment.label)
    _add_type(document, analysis.naming.labels, events=any(not tier.labels for tier in tiers))
    ElementTree.indent(document)
    text: bytes = ElementTree.tostring(document, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _on_file(analysis: Analysis, tier: Tier) -> Tier:
    """Put a tier on the clock of the recording, which ELAN plays beside it."""
    moved = (
        replace(one, start_s=in_file(analysis, one.start_s), end_s=in_file(analysis, one.end_s))
        for one in tier.segments
    )
    # Of time lapse the shortest last less than a millisecond, and ELAN knows nothing shorter.
    return replace(tier, segments=tuple(one for one in moved if _ms(one.start_s) < _ms(one.end_s)))


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _add_header(document: ElementTree.Element, media: str, path: Path, annotations: int) -> None:
    header = ElementTree.SubElement(document, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    # XML takes no control characters, not even escaped.
    places = {"MEDIA_URL": "".join(c if c.isprintable() else quote(c, errors="replace") for c in media)}
    if "://" not in media:
        absolute = Path(media).absolute()
        near = os.path.relpath(absolute, path.absolute().parent)
        places = {
            "MEDIA_URL": absolute.as_uri(),
            "RELATIVE_MEDIA_URL": quote(os.fsencode(near if near.startswith("..") else f"./{near}")),
        }
    kind = mimetypes.guess_type(Path(media).name)[0] or "unknown"
    ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", {**places, "MIME_TYPE": kind})
    last = ElementTree.SubElement(header, "PROPERTY", {"NAME": "lastUsedAnnotationId"})
    last.text = str(annotations)


def _add_slots(order: ElementTree.Element, tiers: list[Tier]) -> dict[int, str]:
    """Add the times at which anything begins or ends, and name the slot of each."""
    times = sorted({_ms(t) for tier in tiers for s in tier.segments for t in (s.start_s, s.end_s)})
    slot_of = {}
    for number, time in enumerate(times, 1):
        slot_of[time] = f"ts{number}"
        ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot_of[time], "TIME_VALUE": str(time)})
    return slot_of


def _add_annotation(tier: ElementTree.Element, number: int, slots: tuple[str, str], label: str) -> None:
    annotation = ElementTree.SubElement(tier, "ANNOTATION")
    alignable = ElementTree.SubElement(
        annotation,
        "ALIGNABLE_ANNOTATION",
        {"ANNOTATION_ID": f"a{number}", "TIME_SLOT_REF1": slots[0], "TIME_SLOT_REF2": slots[1]},
    )
    ElementTree.SubElement(alignable, "ANNOTATION_VALUE").text = label


def _add_type(document: ElementTree.Element, labels: Sequence[str], *, events: bool) -> None:
    ElementTree.SubElement(
        document,
        "LINGUISTIC_TYPE",
        {
            "CONTROLLED_VOCABULARY_REF": _VOCABULARY, "GRAPHIC_REFERENCES": "false",
            "LINGUISTIC_TYPE_ID": _TYPE, "TIME_ALIGNABLE": "true",
        },
    )  # fmt: skip
    if events:
        ElementTree.SubElement(
            document,
            "LINGUISTIC_TYPE",
            {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": _EVENTS, "TIME_ALIGNABLE": "true"},
        )
    ElementTree.SubElement(
        document,
        "LANGUAGE",
        {
            "LANG_DEF": "http://cdb.iso.org/lg/CDB-00130975-001", "LANG_ID": _LANGUAGE,
            "LANG_LABEL": "undetermined (und)",
        },
    )  # fmt: skip
    vocabulary = ElementTree.SubElement(document, "CONTROLLED_VOCABULARY", {"CV_ID": _VOCABULARY})
    ElementTree.SubElement(vocabulary, "DESCRIPTION", {"LANG_REF": _LANGUAGE}).text = ""
    for number, label in enumerate(labels):
        entry = ElementTree.SubElement(vocabulary, "CV_ENTRY_ML", {"CVE_ID": f"cveid{number}"})
        value = ElementTree.SubElement(entry, "CVE_VALUE", {"DESCRIPTION": "", "LANG_REF": _LANGUAGE})
        value.text = label
