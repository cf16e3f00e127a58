"""Values that the shell completes."""

from __future__ import annotations


def systems_like(incomplete: str) -> list[str]:
    """Name the systems that start so."""
    from emoview.training.systems.catalog import SYSTEMS

    shipped = ("face", "voice", "fusion", "speakers", "persons", "activity")
    return [name for name in (*SYSTEMS, *shipped) if name.startswith(incomplete)]


def formats_like(incomplete: str) -> list[str]:
    """Complete the last of several formats with commas between them."""
    from emoview.output.writers import WRITERS

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in WRITERS if name.startswith(last)]


def faces_like(incomplete: str) -> list[str]:
    """Complete which faces are reported."""
    return [name for name in ("largest", "speaking", "all") if name.startswith(incomplete)]


def aspects_like(incomplete: str) -> list[str]:
    """Complete how pictures are widened."""
    return [name for name in ("auto", "keep", "16:9", "4:3") if name.startswith(incomplete)]
