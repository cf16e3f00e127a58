"""Names that shells, terminals, spreadsheets or ffmpeg take for something else."""

from __future__ import annotations

import os
from pathlib import Path

from ..common import NotMadeError
from .case import Case, Expect, Make, Studio

_NAMES: dict[str, str | bytes] = {
    "blank": "a clip.mp4", "leading-blank": " clip.mp4", "trailing-blank": "clip.mp4 ",
    "newline": "a\nclip.mp4",
    "tab": "a\tclip.mp4", "carriage-return": "a\rclip.mp4", "bell": "a\x07clip.mp4",
    "escape": "\x1b[31mclip\x1b[0m.mp4", "title": "\x1b]0;pwned\x07clip.mp4", "option": "-i",
    "option-mp4": "-i.mp4",
    "two-dashes": "--help", "formula": "=1+1", "formula-mp4": "=cmd.mp4", "at": "@SUM(1).mp4",
    "plus": "+1.mp4",
    "long": "x" * 251 + ".mp4", "long-letters": "é" * 125 + ".mp4", "no-text": b"clip-\xff\xfe.mp4",
    "no-text-at-end": b"clip.mp4\xff", "emoji": "😀clip👨‍👩‍👧.mp4", "right-to-left": "clip\u202e4pm.exe.mp4",
    "composed": "cle\u0301.mp4", "zero-width": "clip\u200b.mp4", "chinese": "视频.mp4", "arabic": "فيديو.mp4",
    "pattern": "clip%d.mp4", "pattern-3": "clip%03d.mp4", "percent": "100%.mp4", "percent-jpg": "%d.jpg",
    "http": "http:x", "https": "https:x.mp4", "concat": "concat:a|b", "file": "file:clip.mp4",
    "data": "data:x",
    "pipe": "pipe:0", "pipe-1": "pipe:", "subfile": "subfile,,start,0,end,5,,:clip.mp4", "crypto": "crypto:x",
    "lavfi": "lavfi", "star": "*.mp4", "question": "?.mp4", "bracket": "[ab].mp4", "brace": "{a,b}.mp4",
    "quote": "it's.mp4", "double-quote": 'a"b.mp4', "backslash": "a\\b.mp4", "dollar": "$(id).mp4",
    "backtick": "`id`.mp4", "semicolon": "a;id.mp4", "ampersand": "a&b.mp4", "angle": "<b>.mp4",
    "script": "<script>alert(1)<.mp4", "markup": "[red]clip[bold].mp4", "colon": "C:clip.mp4",
    "dot": ".clip.mp4",
    "dots": "...mp4", "only-ending": ".mp4", "comma": "a,b.mp4", "hash": "#clip.mp4", "tilde": "~clip.mp4",
    "nul-word": "nul.mp4", "surrogate-like": "clip\ud7ff.mp4", "jinja": "{{7*7}}.mp4", "json": '{"a":1}.mp4',
    "dash": "-", "equals": "a=b.mp4", "unit": "\u2028clip.mp4", "csv-named": "clip.csv",
    "json-named": "clip.json",
}  # fmt: skip
_DONE = Expect(ticks=(22, 30))
# To ffmpeg this names many pictures.
_REFUSED = Expect(1, error="list or a kind of file")


def _named(name: str | bytes) -> Make:
    def make(studio: Studio, folder: Path) -> Path:
        path = folder / os.fsdecode(name)
        try:
            path.write_bytes(studio.talk().read_bytes())
        except OSError as error:
            raise NotMadeError(str(error)) from None
        return path

    return make


def cases() -> list[Case]:
    """Give a good clip under every name: each must be analysed, but one, and its results named after it."""
    return [
        Case("name", kind, _named(name), _REFUSED if kind == "percent-jpg" else _DONE, alone=True)
        for kind, name in _NAMES.items()
    ]
