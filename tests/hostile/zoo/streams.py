"""Many streams, covers, chapters, data, protection, and streams that change in the middle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..common import ffmpeg
from .case import DAMAGED, Case, Expect, Make, Studio, coded, each

_SECOND = Expect(ticks=(22, 30))


def _many(sounds: int, pictures: int = 1, end: str = "mkv") -> Make:
    maps = ["-map", "0:v"] * pictures + ["-map", "0:a"] * sounds
    return coded(f"many.{end}", *maps, "-c", "copy", source=Studio.talk)


def _cover(end: str, *options: str) -> Make:
    def make(studio: Studio, folder: Path) -> Path:
        path = folder / f"cover.{end}"
        ffmpeg("-i", studio.sound(), "-i", studio.picture(), "-map", "0:a", "-map", "1:v", "-c:v", "mjpeg",
               "-disposition:v:0", "attached_pic", *options, path)  # fmt: skip
        return path

    return make


def _attached(studio: Studio, folder: Path) -> Path:
    path = folder / "attached.mkv"
    ffmpeg("-i", studio.talk(), "-c", "copy", "-attach", studio.picture(), "-metadata:s:t",
           "mimetype=image/png", path)  # fmt: skip
    return path


def _chapters(studio: Studio, folder: Path) -> Path:
    text = folder / "chapters.txt"
    chapter = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={0}\nEND={1}\ntitle=Part {0}: Duration: 99:00:00.00\n"
    text.write_text(";FFMETADATA1\n" + "".join(chapter.format(10 * i, 10 * i + 9) for i in range(90)))
    path = folder / "chapters.mp4"
    ffmpeg("-i", studio.talk(), "-i", text, "-map_metadata", "1", "-c", "copy", path)
    return path


def _said(**tags: str) -> Make:
    """Put words into the metadata that look like ffmpeg's own."""

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / "tagged.mkv"
        metadata = [word for name, text in tags.items() for word in ("-metadata", f"{name}={text}")]
        ffmpeg("-i", studio.talk(), "-c", "copy", *metadata, path)
        return path

    return make


def _encrypted(scheme: str) -> Make:
    return coded("locked.mp4", "-c", "copy", "-encryption_scheme", scheme, "-encryption_key", "0" * 31 + "1",
                 "-encryption_kid", "0" * 31 + "2", source=Studio.talk)  # fmt: skip


def _changing(end: str, steps: Sequence[Sequence[str]], *common: str) -> Make:
    """Put pieces behind each other that are coded in different ways."""

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / f"changes.{end}"
        content = b""
        for number, step in enumerate(steps):
            part = folder / f"part.{end}"
            start = ("-output_ts_offset", f"{number}") if end == "ts" else ()
            ffmpeg("-i", studio.talk(), *common, *step, *start, "-muxdelay", "0", part)
            content += part.read_bytes()
            part.unlink()
        path.write_bytes(content)
        return path

    return make


def _changes() -> list[Case]:
    h264 = ("-c:v", "libx264", "-preset", "ultrafast")
    two = Expect(ticks=(40, 58), faces=(1, 8), seconds=60)
    sizes = [["-s", "160x160"], ["-s", "240x180"]]
    layouts = [["-ac", "1"], ["-ac", "2"], ["-ac", "6"]]
    return each("change", [
        ("size-ts", _changing("ts", sizes, *h264), two),
        ("size-h264", _changing("h264", sizes, "-an", *h264), two),
        ("size-mjpeg", _changing("mjpeg", sizes, "-an"), two),
        ("size-and-back-ts", _changing("ts", [*sizes, sizes[0]], *h264), Expect(ticks=(62, 85), seconds=60)),
        ("size-extreme-ts", _changing("ts", [["-s", "160x160"], ["-s", "1920x1080"]], *h264), two),
        ("size-tiny-ts", _changing("ts", [["-s", "160x160"], ["-s", "16x16"]], *h264), two),
        ("layout-ts", _changing("ts", layouts, "-vn", "-c:a", "aac"), Expect(ticks=(62, 85))),
        ("layout-aac", _changing("aac", layouts, "-vn", "-c:a", "aac"), Expect(None, ticks=(20, 85))),
        ("rate-ts", _changing("ts", [["-ar", "44100"], ["-ar", "48000"], ["-ar", "16000"]], "-vn"),
         Expect(ticks=(62, 85))),
        ("codec-ts", _changing("ts", [h264, ["-c:v", "mpeg2video"]]), Expect(None, ticks=(20, 58))),
        ("pixels-mjpeg", _changing("mjpeg", [["-pix_fmt", "yuvj420p"], ["-pix_fmt", "yuvj444p"]],
        "-an"), two),
        ("sound-stops-ts", _changing("ts", [[], ["-an"]], *h264), two),
        ("pictures-stop-ts", _changing("ts", [[], ["-vn"]], *h264), Expect(None, ticks=(20, 58))),
    ])  # fmt: skip


def cases() -> list[Case]:
    """Give all cases of this file."""
    several = Expect(None, ticks=(22, 30), warnings=("(?i)track|stream|sound|picture",))
    odd: list[tuple[str, Make, Expect]] = [
        ("32-sounds", _many(32), several),
        ("2-sounds-mp4", _many(2, end="mp4"), several),
        ("8-pictures", _many(1, 8), several),
        ("4-pictures-mp4", _many(1, 4, end="mp4"), several),
        ("100-sounds", _many(100, 0), several),
        ("cover-mp3", _cover("mp3"), Expect(ticks=(22, 30), faces=(0, 0), warnings=("no pictures",))),
        ("cover-m4a", _cover("m4a"), Expect(ticks=(22, 30), faces=(0, 0), warnings=("no pictures",))),
        ("cover-flac", _cover("flac"), Expect(ticks=(22, 30), faces=(0, 0), warnings=("no pictures",))),
        ("cover-alone", coded("cover.m4a", "-an", "-frames:v", "1", "-c:v", "mjpeg", "-disposition:v",
                              "attached_pic"), Expect(None, ticks=(1, 2))),
        ("attachment", _attached, _SECOND),
        ("chapters", _chapters, _SECOND),
        ("says-duration", _said(title="\n  Duration: 99:00:00.00, start: 0.0"), _SECOND),
        ("says-stream", _said(title="\n  Stream #0:0: Video: h264, yuv420p, 30000x30000, 25 fps"), _SECOND),
        ("says-input", _said(comment="Stream mapping:\nOutput #0\nInput #0, mp4, from"), _SECOND),
        ("says-encrypted", _said(comment="encrypted moov atom not found"), _SECOND),
        ("says-time", _said(comment="[Parsed_showinfo_0 @ 0x1] n: 0 pts: 0 pts_time:500"), _SECOND),
        ("says-turned", _said(comment="\n Side data:\n displaymatrix: rotation of 90.00 degrees"), _SECOND),
        ("long-tag", _said(comment="x" * 100_000), _SECOND),
        ("time-code", coded("tc.mov", "-c", "copy", "-timecode", "01:00:00:00", source=Studio.talk), _SECOND),
        ("subtitles", _subtitled, _SECOND),
        ("subtitles-alone", _subtitles_alone, Expect(1)),
        ("encrypted-cenc", _encrypted("cenc-aes-ctr"), Expect(None, ticks=(1, 30), warnings=(DAMAGED,))),
        ("slow-motion", coded("slow.mp4", "-c", "copy", "-movflags", "use_metadata_tags", "-metadata",
                              "com.android.capture.fps=240", source=Studio.talk), _SECOND),
        ("slow-motion-apple", coded("slow.mov", "-c", "copy", "-movflags", "use_metadata_tags", "-metadata",
                                    "com.apple.quicktime.video-orientation=1", source=Studio.talk), _SECOND),
        ("sound-first", coded("first.mkv", "-map", "0:a", "-map", "0:v", "-c", "copy", source=Studio.talk),
         _SECOND),
        ("stereo-3d", coded("both.mkv", "-c", "copy", "-metadata:s:v", "stereo_mode=left_right",
                            source=Studio.talk), _SECOND),
        ("sphere", coded("sphere.mp4", "-c", "copy", "-metadata:s:v", "spherical=equirectangular",
                         source=Studio.talk), _SECOND),
        ("field-order", coded("fields.mov", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-top", "1"),
         Expect(None, ticks=(22, 30))),
    ]  # fmt: skip
    return [*each("streams", odd), *_changes()]


def _subtitled(studio: Studio, folder: Path) -> Path:
    text = folder / "words.srt"
    text.write_text("1\n00:00:00,000 --> 01:00:00,000\nhello\n")
    path = folder / "words.mkv"
    ffmpeg("-i", studio.talk(), "-i", text, "-c", "copy", "-c:s", "srt", path)
    return path


def _subtitles_alone(_: Studio, folder: Path) -> Path:
    text = folder / "words.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:03,000\nhello\n")
    path = folder / "words.mkv"
    ffmpeg("-i", text, path)
    return path
