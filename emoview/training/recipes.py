"""Keeping trainings of different recipes, and of different recordings, apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from emoview.common.files import write_whole
from emoview.common.stored import read_numbers
from emoview.datasets.speech import Utterance
from emoview.errors import InputError

ANEW: Final = "name another folder with -o, and all is trained anew"


def note_recipe(file: Path, recipe: Mapping[str, Any], *, fresh: bool) -> None:
    """Note the recipe of a run folder, so that nothing of another one is taken for its result.

    Args:
        file: Where it is noted, in JSON.
        recipe: What decides the outcome.
        fresh: Whether the folder has no network yet.

    Raises:
        InputError: The folder holds networks of another recipe.
    """
    noted = json.loads(json.dumps(recipe))
    stored = read_numbers(file, dict[str, Any], ANEW) if file.exists() else None
    if not fresh and stored != noted:
        raise InputError(f"{file.parent} holds networks of another recipe: name another folder with -o")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(noted, indent=2) + "\n")


def note_recordings(file: Path, utterances: Iterable[Utterance], *, fresh: bool) -> None:
    """Note what the networks of a run folder learn from.

    With other recordings other speakers are left out: a network would be asked about whom it learned from.

    Args:
        file: Where a digest of them is noted.
        utterances: The recordings.
        fresh: Whether the folder has no network yet.

    Raises:
        InputError: The folder holds networks that learned from others.
    """
    told = sorted({f"{u.person} {u.label} {u.path.name}" for u in utterances})
    key = hashlib.sha256("\n".join(told).encode(errors="replace")).hexdigest()
    # Folders that are older than this note say nothing.
    if not fresh and file.exists() and file.read_text().strip() != key:
        raise InputError(f"{file.parent} holds networks of other recordings: {ANEW}")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, f"{key}\n")
