"""Reports: from a result, or a folder of them, to pages."""

from __future__ import annotations

import base64
import mimetypes
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from emoview.common.files import private_folder, write_whole
from emoview.common.names import fitting
from emoview.common.stored import is_file
from emoview.common.text import name_of
from emoview.errors import InputError, NoResultError
from emoview.media.pictures import jpegs_at
from emoview.media.probe import Media, probe
from emoview.output.faces import ENDING, names_file
from emoview.output.overview import Clip, clip_of, to_overview
from emoview.output.pages import says
from emoview.output.read import doubt_about_media, media_of, read_json
from emoview.output.report import Source, to_html
from emoview.output.summary_table import SUMMARY_FILE, failures_of
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.rendering.film import same_pictures
from emoview.timeline.moments import Moment, strongest
from emoview.timeline.results import Analysis, Segment

_THUMBNAIL_PX = 240
_MOST_EXPLAINED = 24
_PAGES = "_files"
_HEAD = 2000
# Browsers refuse longer addresses, and nobody mails such a page.
_MOST_EMBEDDED = 256 * 2**20
# A header may be off by a picture or the sound's last block; more is another file.
_OFF_S, _OFF_SHARE = 1.0, 0.05


@dataclass
class Written:
    """What was written, and what could not be.

    Attributes:
        pages: The pages, the one to open first.
        failures: A sentence for each result that could not be read, and each clip that has none.
    """

    pages: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def write_report(
    result: Path,
    path: Path,
    *,
    video: Path | None = None,
    embed: bool = False,
    overview: Path | None = None,
    title: str | None = None,
) -> Analysis:
    """Write the report of one result.

    Args:
        result: The JSON of a result.
        path: The page.
        video: The video that was analysed; by default it is looked for where the result says, and beside it.
        embed: Put the video into the page instead of linking to it.
        overview: A page to link back to.
        title: Of the page; by default the name of the video.

    Returns:
        The result that was read.

    Raises:
        InputError: The result, or a video that was named, cannot be read.
        OutputError: The page cannot be written.
    """
    analysis = read_json(result)
    file = video or media_of(analysis, result)
    _write(analysis, result, path, file, named=video is not None, embed=embed, overview=overview, title=title)
    return analysis


def _write(
    analysis: Analysis,
    result: Path,
    path: Path,
    file: Path | None,
    *,
    named: bool = False,
    embed: bool,
    overview: Path | None,
    title: str | None,
) -> None:
    """Write the report of a result that was read, with its recording, or without one that is not there."""
    media, notes = _media(analysis, file, named=named or embed)
    page = to_html(
        analysis,
        made_with=_made_with(path, file, embed=embed, overview=overview),
        title=title or name_of(Path(Path(analysis.media.path).name)),
        origin=name_of(Path(result.name)),
        source=None if media is None else _source(media, path, embed=embed),
        moments=_moments(analysis, media),
        explanations=_explanations(analysis, media),
        notes=notes,
        overview=None if overview is None else quote(os.fsencode(os.path.relpath(overview, path.parent))),
    )
    write_whole(path, page)


def write_report_pdf(result: Path, path: Path, *, video: Path | None = None) -> None:
    """Print the report of one result to a PDF; see `write_report`.

    Raises:
        InputError: The result, or a video that was named, cannot be read, or there is no browser to print.
        OutputError: The PDF cannot be written.
    """
    from emoview.rendering.pdf import browser, write_pdf

    browser()
    with private_folder() as folder:
        page = folder / "report.html"
        write_report(result, page, video=video)
        write_pdf(page, path)


def _media(analysis: Analysis, file: Path | None, *, named: bool) -> tuple[Media | None, list[str]]:
    """Open the video; what stands against it is an error only where somebody asked for it."""
    shown = name_of(Path(Path(analysis.media.path).name))
    if analysis.options.rate is not None:
        if named:
            raise InputError(
                f"{shown} stands for numbered pictures, which no page shows: leave --video and --embed out"
            )
        return None, [f"The result is of numbered pictures, {shown}, which a page does not show."]
    if file is None:
        heard = analysis.media.width is None and analysis.source is None
        kind, lacks = ("sound", "plays nothing") if heard else ("video", "has no pictures")
        if named:
            raise InputError(f"{shown} was not found: name the {kind} with --video")
        return None, [f"The {kind} {shown} was not found, so that this page {lacks}: name it with --video."]
    try:
        options = analysis.options
        media = probe(file, capture_rate=options.capture_rate, audio_track=options.audio_track)
    except InputError as error:
        if named:
            raise
        return None, [f"The video is left out: {error}."]
    wrong = _mismatch(analysis, media)
    if wrong is None:
        # Of one that was found, that would take as long as reading it.
        doubt = doubt_about_media(analysis, file) if named else None
        return media, [f"{doubt}."] if doubt else []
    if named:
        raise InputError(f"{wrong}: name the video that was analysed")
    return None, [f"The video is left out: {wrong}."]


def _mismatch(analysis: Analysis, media: Media) -> str | None:
    """Tell why this cannot be the file that was analysed; None if it can."""
    facts, name = analysis.media, name_of(media.path)
    end_s = facts.start_s + facts.duration_s
    # A stretch ends before its file, so a longer file says nothing.
    if media.duration_s is not None and media.duration_s < end_s - max(_OFF_S, _OFF_SHARE * end_s):
        return f"{name} lasts {media.duration_s:.1f} s, the result goes to {end_s:.1f} s"
    size = (media.video.width, media.video.height) if media.video else (None, None)
    if not same_pictures(analysis, *size):
        return f"{name} is {_size(*size)}, the result is of {_size(facts.width, facts.height)}"
    return None


def _size(width: int | None, height: int | None) -> str:
    return "without pictures" if width is None else f"{width}x{height} pixels"


def _source(media: Media, page: Path, *, embed: bool) -> Source:
    kind = mimetypes.guess_type(media.path.name)[0] or ("video/mp4" if media.video else "audio/wav")
    if not embed:
        relative = os.path.relpath(media.path.resolve(), page.parent.resolve())
        return Source("video" if media.video else "audio", quote(os.fsencode(relative)))
    size = media.path.stat().st_size
    if size > _MOST_EMBEDDED:
        raise InputError(
            f"{name_of(media.path)} has {size / 2**20:.0f} MB, which no browser opens inside a page: "
            "leave out --embed, or make it smaller"
        )
    content = base64.b64encode(media.path.read_bytes()).decode("ascii")
    return Source("video" if media.video else "audio", f"data:{kind};base64,{content}")


def _moments(analysis: Analysis, media: Media | None) -> list[tuple[Moment, bytes | None]]:
    moments = strongest(analysis)
    if media is None or media.video is None:
        return [(moment, None) for moment in moments]
    pictures = jpegs_at(
        media, [analysis.media.start_s + moment.time_s for moment in moments], width=_THUMBNAIL_PX
    )
    return list(zip(moments, pictures, strict=True))


def _explanations(analysis: Analysis, media: Media | None) -> list[tuple[Segment, bytes | None]]:
    """Give the explained segments that last longest, by time, each with its map where it has a face."""
    explained = [segment for segment in analysis.segments if segment.explanation]
    explained.sort(key=lambda segment: segment.start_s - segment.end_s)
    chosen = sorted(explained[:_MOST_EXPLAINED], key=lambda segment: segment.start_s)
    if not chosen:
        return []
    from emoview.output.heat import heat_picture

    maps = {i: s.explanation.face for i, s in enumerate(chosen) if s.explanation and s.explanation.face}
    pictures: list[bytes | None] = [None] * len(maps)
    if media is not None and media.video is not None:
        times = [analysis.media.start_s + reasons.time_s for reasons in maps.values()]
        pictures = jpegs_at(media, times, width=media.video.width)
    drawn = {
        i: heat_picture(reasons, jpeg) for (i, reasons), jpeg in zip(maps.items(), pictures, strict=True)
    }
    return [(segment, drawn.get(i)) for i, segment in enumerate(chosen)]


ClipHook = Callable[[Path, bool], None]
"""Told of the page of each clip, and whether it was made now."""


def write_reports(
    folder: Path,
    path: Path,
    *,
    embed: bool = False,
    on_event: EventHook = ignore,
    on_clip: ClipHook = lambda page, new: None,
) -> Written:
    """Write an overview of a folder of results, and the report of each into a folder beside it.

    Reports that are newer than their results and recordings, and were made by the same version in the same
    way, stay.

    Args:
        folder: Holds NAME.json files, in folders or not, and perhaps the table of `emoview batch`.
        path: The overview; the reports go to `NAME_files` beside it.
        embed: Put the videos into the reports.
        on_event: Told how far it is; its stage is `report`.
        on_clip: Told of each page.

    Raises:
        InputError: There is no result in the folder.
        OutputError: A page cannot be written.
    """
    results = _results(folder)
    written = Written([path])
    clips: list[Clip] = []
    pages = path.parent / f"{fitting(path.stem, [_PAGES])}{_PAGES}"
    for done, result in enumerate(results, start=1):
        name = result.relative_to(folder).with_suffix("").as_posix()
        page = pages / f"{name}.html"
        try:
            analysis = read_json(result)
            file = media_of(analysis, result)
            new = not _is_fresh(page, result, file, _made_with(page, file, embed=embed, overview=path))
            if new:
                _write(
                    analysis, result, page, file, embed=embed, overview=path, title=name_of(Path(name))
                )  # fmt: skip
        except NoResultError:
            pass
        except InputError as error:
            written.failures.append(str(error))
        else:
            written.pages.append(page)
            link = quote(os.fsencode(os.path.relpath(page, path.parent)))
            clips.append(clip_of(analysis, name=name_of(Path(name)), link=link))
            on_clip(page, new)
        on_event(Progress("report", done, len(results)))
    if not clips:
        raise InputError(
            f"{name_of(folder)} holds no result that can be read: "
            "name the folder that emoview analyze wrote to"
            + "".join(f"; {failure}" for failure in written.failures[:1])
        )
    written.failures.extend(failures_of(folder / SUMMARY_FILE))
    title = f"Emotions in {name_of(Path(folder.resolve().name))}"
    write_whole(path, to_overview(clips, title=title, failures=written.failures))
    return written


def _made_with(page: Path, file: Path | None, *, embed: bool, overview: Path | None) -> str:
    """Say in a few words how a page is made, and of which recording, for the next time."""
    parts = [*(["embedded"] if embed else []), *([f"below {overview.name}"] if overview else [])]
    whose = "no recording" if file is None else os.path.relpath(file, page.parent)
    return name_of(", ".join([*parts, f"of {whose}"]))


def _is_fresh(page: Path, result: Path, file: Path | None, made_with: str) -> bool:
    """Tell whether a page is that of the result and its recording as they are now."""
    sources = [one for one in (result, names_file(result), file) if one is not None and one.exists()]
    try:
        made = page.stat().st_mtime
        changed = max(one.stat().st_mtime for one in sources)
        with page.open(encoding="utf-8") as content:
            head = content.read(_HEAD)
    except (OSError, ValueError):
        return False
    return made > changed and says(head, made_with)


def _results(folder: Path) -> list[Path]:
    """JSON files that may be results: not the table of a batch, nor what it keeps in hidden folders."""
    files = (f for f in folder.rglob("*.json") if _may_be_result(f) and is_file(f))
    return sorted(f for f in files if not any(part.startswith(".") for part in f.relative_to(folder).parts))


def _may_be_result(file: Path) -> bool:
    return file.name != "summary.json" and not file.name.endswith(ENDING)
