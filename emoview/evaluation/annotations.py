"""Annotations that people made with whatever tool, put on the ticks of the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from emoview.common.stored import read_bytes
from emoview.common.tables import decoded, is_workbook, recoded
from emoview.common.text import name_of
from emoview.common.workbooks import workbook_as_text
from emoview.datasets.names import listed
from emoview.errors import InputError
from emoview.timeline.clock import TICK_MS

CURE: Final = (
    "name a CSV table, an Excel workbook, an ELAN document or export, a Praat TextGrid, or a BORIS export"
)
VALUES: Final = ("valence", "arousal")
# Of all annotations together: each is spread over its ticks.
_LONGEST_S = 1e5

Notes = Callable[[str], None]


@dataclass(frozen=True)
class Annotation:
    """What a person said of a stretch, or of a moment.

    Attributes:
        start_s: Second at which it starts.
        end_s: Second at which it ends; None where it is about a moment.
        label: As written; None where only values were given.
        values: Of `VALUES`, those given.
        rater: Who said it; empty where there is one alone.
        of_result: Whether it is a row of a result's table, whose times count from where that begins.
    """

    start_s: float
    end_s: float | None
    label: str | None
    values: Mapping[str, float] = field(default_factory=dict)
    rater: str = ""
    of_result: bool = False

    def ticks(self) -> range:
        """Give the ticks whose middle lies in the stretch; of a moment, the tick that it lies in."""
        start = round(self.start_s * 1000)
        if self.end_s is None:
            return range(start // TICK_MS, start // TICK_MS + 1)
        end = round(self.end_s * 1000)
        return range(*(-((TICK_MS // 2 - ms) // TICK_MS) for ms in (start, end)))


def read_annotations(
    path: Path,
    tier: str | Sequence[str] | None = None,
    *,
    length_s: float | None = None,
    on_note: Notes = lambda _: None,
) -> list[Annotation]:
    """Read a table, also of Excel, an ELAN document or a Praat TextGrid.

    Args:
        path: The file.
        tier: Name of the tier, or of the observation or the subject, where the file has several; several
            names are several raters.
        length_s: Length of the recording: times that lie far beyond it, in a column without a unit, are
            taken for milliseconds.
        on_note: Told how something was understood that could be meant otherwise.

    Raises:
        InputError: The file cannot be read, or has another layout.
    """
    from emoview.evaluation.annotation_tables import read_table
    from emoview.evaluation.annotation_tiers import is_textgrid, read_elan, read_textgrid

    content = read_bytes(path, CURE)
    wanted = (tier,) if isinstance(tier, str) else tuple(tier or ())
    if is_workbook(content):
        content = workbook_as_text(content, str(path)).encode()
    if path.suffix.lower() == ".eaf":
        return some(path, chosen(path, read_elan(path, content, on_note), wanted))
    text = decoded(content)
    if text is None or "\0" in text:
        raise InputError(f"{name_of(path)} is not text: {CURE}")
    if text.lstrip().startswith("{"):
        raise InputError(
            f"{name_of(path)} is JSON, not an annotation: {CURE}; the CSV of a result will do, to compare two"
        )
    if is_textgrid(text):
        return some(path, chosen(path, read_textgrid(path, recoded(text)), wanted))
    return some(path, read_table(path, recoded(text), wanted, length_s=length_s, on_note=on_note))


def read_all(
    paths: Sequence[Path],
    tier: Sequence[str] | None = None,
    *,
    length_s: float | None = None,
    on_note: Notes = lambda _: None,
) -> list[Annotation]:
    """Read several files: the annotations of each are those of one rater, or of several.

    The arguments are those of `read_annotations`.

    Raises:
        InputError: A file cannot be read, or has another layout.
    """
    found = []
    for number, path in enumerate(paths):
        name = (
            path.stem
            if [other.stem for other in paths].count(path.stem) == 1
            else f"{path.stem} {number + 1}"
        )
        for one in read_annotations(path, tier, length_s=length_s, on_note=on_note):
            whole = f"{name}: {one.rater}" if one.rater else name
            found.append(replace(one, rater=whole) if len(paths) > 1 else one)
    return found


def beyond_scale(annotations: Sequence[Annotation]) -> list[str]:
    """Say which values go beyond the scale of results, from -1 to 1: errors against them say little."""
    told = []
    for name in VALUES:
        given = [one.values[name] for one in annotations if name in one.values]
        if given and max(map(abs, given)) > 1:
            told.append(
                f"{name} of the annotation goes from {min(given):g} to {max(given):g}, that of a result from "
                "-1 to 1: RMSE and CCC hang on the scale, so bring the annotation to this one; PCC does not"
            )
    return told


def chosen(
    path: Path, tiers: Mapping[str, Sequence[Annotation]], wanted: Sequence[str], what: str = "tier"
) -> list[Annotation]:
    """Choose tiers; none named means the only one.

    Raises:
        InputError: There is no such tier, or there are several and none is named.
    """
    if not wanted and len(tiers) == 1:
        wanted = tuple(tiers)
    missing = next((name for name in wanted if name not in tiers), None)
    if not wanted or missing is not None:
        asked = f"has several {what}s" if missing is None else f"has no {what} {missing!r}"
        if not tiers:
            asked = f"has no {what}"
        raise InputError(
            f"{name_of(path)} {asked}: name one with --tier, of {name_of(listed(list(tiers))) or 'none'}"
        )
    if len(wanted) == 1:
        return list(tiers[wanted[0]])
    return [replace(one, rater=name) for name in wanted for one in tiers[name]]


def some(path: Path, annotations: Sequence[Annotation]) -> list[Annotation]:
    """Give annotations, if there are any.

    Raises:
        InputError: There is none, or they cover more time than any recording has.
    """
    if not annotations:
        raise InputError(
            f"{name_of(path)} holds no annotation with a time and a label or value: name another"
        )
    lasting = sum(one.end_s - one.start_s for one in annotations if one.end_s is not None)
    if lasting > _LONGEST_S:
        raise InputError(
            f"{name_of(path)} annotates {lasting / 3600:.0f} hours in all, more than any clip has: correct it"
        )
    return list(annotations)
