"""Draw what `emoview analyze` shows in a terminal, for the README: `make terminal`."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.text import Text

from emoview.rendering.pdf import browser
from tools.lock import ROOT

PICTURE: Final = ROOT / "docs" / "terminal.png"

_COMMAND: Final = ("analyze", "samples/portrait.mp4")
_COLUMNS, _LINES = 82, 50
# The font of rich's own is fetched from the network.
_FONT_FACES: Final = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_FONT: Final = "DejaVu Sans Mono"


def output(columns: int = _COLUMNS) -> str:
    """Run the command in a terminal so wide, and give what it prints, with its colours."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "samples").symlink_to(ROOT / "samples")
        command = [sys.executable, "-m", "emoview", *_COMMAND]
        environment = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
        }
        # Without a terminal there, no bar of progress is drawn.
        done = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=its, stderr=subprocess.PIPE, cwd=folder, env=environment
        )
        os.close(its)
        printed = _read(ours)
        said = done.communicate()[1].decode()
    if done.returncode:
        raise SystemExit(f"emoview failed: {said}")
    return printed + said


def _read(descriptor: int) -> str:
    parts = []
    # Linux ends a terminal that nobody writes to any more with an error.
    try:
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
    except OSError:
        pass
    os.close(descriptor)
    return b"".join(parts).decode().replace("\r\n", "\n")


def drawing(printed: str, columns: int = _COLUMNS) -> str:
    """Draw what was printed as SVG, below its command."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ emoview {' '.join(_COMMAND)}", style="bold"))
    console.print(Text.from_ansi(printed.rstrip()), soft_wrap=True)
    return _FONT_FACES.sub("", console.export_svg(title="emoview")).replace("Fira Code", _FONT)


def write_picture(svg: str, file: Path) -> None:
    """Let a browser draw an SVG as PNG.

    Raises:
        InputError: There is no browser.
    """
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert found
    width, height = (round(float(size)) for size in found.groups())
    with tempfile.TemporaryDirectory() as folder:
        page, picture = Path(folder) / "page.html", Path(folder) / "page.png"
        page.write_text(f"<!doctype html><meta charset=utf-8><body style='margin:0'>{svg}", "utf-8")
        subprocess.run(
            [
                browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--default-background-color=00000000", f"--user-data-dir={folder}/profile",
                f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        file.write_bytes(picture.read_bytes())


if __name__ == "__main__":
    write_picture(drawing(output()), PICTURE)
