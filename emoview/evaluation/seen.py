"""Holding what is to be measured against what the networks of a run learned from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.names import listed
from emoview.errors import InputError
from emoview.networks.seen import Seen, plain, read_seen
from emoview.training.systems.events import OnEvent

Choice = Literal["refuse", "include", "leave-out"]
"""What becomes of examples that a network learned from."""


@dataclass(frozen=True)
class Examples:
    """What is to be measured on.

    Attributes:
        digests: Gives the digest of each example, which takes time.
        people: Whom each is of; None where the data set names nobody.
    """

    digests: Callable[[], Sequence[str]]
    people: Sequence[str | None] | None


@dataclass(frozen=True)
class _Told:
    """Which examples a network learned from, `(n,)`, and the people among them whom it knows."""

    seen: NDArray[np.bool_]
    people: tuple[str, ...]


class SeenCheck:
    """Refuses, counts or leaves out what networks learned from.

    Attributes:
        counts: By the name of what was measured: examples of it seen in training, and all of them; nothing
            of networks that do not say what they learned from.
    """

    def __init__(self, choice: Choice = "refuse") -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        self._choice = choice
        self._told: dict[str, _Told] = {}

    def look(
        self, run: Path, asked: Mapping[str, Sequence[str]], examples: Examples, on_event: OnEvent
    ) -> None:
        """Find out what was seen, before anything is measured.

        Args:
            run: The run folder.
            asked: By the name of what will be measured, the networks of the run that take part.
            examples: What it will be measured on.
            on_event: Told of networks that do not say what they learned from.

        Raises:
            InputError: Something was seen that should be refused, or nothing is left.
        """
        stored = read_seen(run)
        known = {
            name: _joined(stored, networks)
            for name, networks in asked.items()
            if any(network in stored for network in networks)
        }
        if len(known) < len(asked):
            on_event({"note": "this run does not say what it learned from: these examples may be among it"})
        elif not all(seen.whole for seen in known.values()):
            on_event(
                {"note": "this run does not say what its teacher, or the weights it began with, learned from"}
            )
        if not known:
            return
        digests = examples.digests()
        self._told = {name: _told(seen, digests, examples.people) for name, seen in known.items()}
        most = max(self._told.values(), key=lambda told: int(told.seen.sum()))
        least = min(int(told.seen.sum()) for told in self._told.values())
        every_known = len(known) == len(asked)
        if self._choice == "refuse" and most.seen.any():
            raise InputError(_refusal(run, most, len(digests) - least if every_known else 0))
        if self._choice == "leave-out" and every_known and least == len(digests):
            raise InputError(f"{run} learned from all {least} examples or their people: name other data")

    def kept(self, name: str, among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give which of some examples, `(n,)`, are measured, and count those of them that were seen."""
        told = self._told.get(name)
        if told is None:
            return among
        kept = among & ~told.seen if self._choice == "leave-out" else among
        self.counts[name] = int((kept & told.seen).sum()), int(kept.sum())
        return kept


def _joined(stored: Mapping[str, Seen], networks: Sequence[str]) -> Seen:
    result = Seen()
    for network in networks:
        result |= stored.get(network, Seen(whole=False))
    return result


def _told(seen: Seen, digests: Sequence[str], people: Sequence[str | None] | None) -> _Told:
    known = {plain(p) for p in people or () if p is not None} & seen.people
    return _Told(np.array(seen.knows(digests, people), bool), tuple(sorted(known)))


def _refusal(run: Path, told: _Told, unseen: int) -> str:
    count, every = int(told.seen.sum()), len(told.seen)
    people = f" or their people ({listed(told.people)})" if told.people else ""
    rest = f", the {unseen} unseen ones alone (--seen leave-out)" if unseen else ""
    return (
        f"{run} learned from {count} of these {every} examples{people}: measure other data, another part of "
        f"these (--part){rest}, or all of them nevertheless (--seen include)"
    )
