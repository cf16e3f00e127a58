"""Pages as PDF, printed by a browser of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from emoview.common.files import private_folder, write_whole
from emoview.common.text import name_of
from emoview.errors import InputError, OutputError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_LIMIT_S = 300
# It is to print a file of this machine, and to ask nobody about anything.
_OPTIONS = (
    "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer", "--virtual-time-budget=10000",
)  # fmt: skip


def browser() -> str:
    """Find the browser that prints.

    Raises:
        InputError: There is none.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise InputError(
            "a PDF is printed by Chromium or Chrome, and neither was found: install one, or write a page "
            "(-o NAME.html) and print it from any browser"
        )
    return found


def write_pdf(page: Path, path: Path) -> None:
    """Print a page to a PDF.

    Raises:
        InputError: There is no browser.
        OutputError: The browser did not print it, or the PDF cannot be written.
    """
    program = browser()
    with private_folder() as folder:
        pdf = folder / "page.pdf"
        # Chromium's own walls cannot be put up by root.
        walls = ("--no-sandbox",) if os.geteuid() == 0 else ()
        command = [
            program, *_OPTIONS, *walls, f"--user-data-dir={folder}/profile", f"--print-to-pdf={pdf}",
            page.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise OutputError(f"{path} cannot be printed ({error}): write a page, -o NAME.html") from error
        if not pdf.is_file() or not pdf.read_bytes().startswith(b"%PDF"):
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            reason = lines[-1] if lines else f"exit code {done.returncode}"
            raise OutputError(
                f"{name_of(program)} did not print {path} ({reason}): write a page, -o NAME.html"
            )
        write_whole(path, pdf.read_bytes())
