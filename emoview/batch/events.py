"""What a batch tells of its course."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from emoview.batch.inputs import Clip


@dataclass(frozen=True)
class Planned:
    """What there is to do is known.

    Attributes:
        clips: How many there are.
        done: How many of them were done before.
        replaced: Names under which results of another file, which is named, too, are going to be replaced.
    """

    clips: int
    done: int
    replaced: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Working:
    """A worker has begun a clip, or come further with it.

    Attributes:
        worker: Its number, from 0.
        clip: What it works on.
        done: Ticks done.
        total: Of how many; None where that is not known yet.
    """

    worker: int
    clip: Clip
    done: int
    total: int | None


@dataclass(frozen=True)
class Finished:
    """A clip is done or has failed.

    Attributes:
        worker: The number of the worker; None of a clip whose fault was known beforehand.
        clip: The clip.
        row: Its row of the summary.
    """

    worker: int | None
    clip: Clip
    row: dict[str, Any]


Event: TypeAlias = Planned | Working | Finished
BatchHook: TypeAlias = Callable[[Event], None]


def ignore(_: Event) -> None:
    """The hook of those who do not want to know."""
