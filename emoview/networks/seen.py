"""What the networks of a run learned from: examples and people, so that nobody measures them on these.

RUN/seen.npz holds the first 6 bytes of a digest of each example, as bytes, and the people by name; one row
for each network says which of them it learned from.  Examples by which an epoch was chosen or the answers
were calibrated count, too.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np

from emoview.common.files import write_whole
from emoview.common.stored import MOST_UNPACKED, is_file, read_arrays
from emoview.errors import InputError

SEEN_FILE = "seen.npz"

_BYTES = 6
# Of a name, in characters: all are stored in the room of the longest.
_LONGEST = 200
_AGAIN = "train again"


@dataclass(frozen=True)
class Seen:
    """What a network learned from.

    Attributes:
        digests: The first 12 hexadecimal digits of the digest of each example: of a picture's pixels, of the
            file of a recording or a clip.  Two among a million examples agree by chance once in 500 times.
        people: Persons as their corpora name them; videos and clips of nobody that is named.
        whole: False where it began with weights of which nothing is known, or had such a teacher.
    """

    digests: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    whole: bool = True

    @classmethod
    def of(cls, digests: Iterable[str], people: Iterable[str | None] | None) -> Seen:
        """Note examples by their digests and people, of whom some may be unknown."""
        return cls(frozenset(map(short, digests)), frozenset(plain(p) for p in people or () if p is not None))

    def __or__(self, other: Seen) -> Seen:
        """Put together what both learned from."""
        return Seen(self.digests | other.digests, self.people | other.people, self.whole and other.whole)

    def knows(self, digests: Sequence[str], people: Sequence[str | None] | None) -> list[bool]:
        """Tell of each example whether it, or whom it is of, was learned from."""
        whom = [None if p is None else plain(p) for p in people or [None] * len(digests)]
        return [short(d) in self.digests or p in self.people for d, p in zip(digests, whom, strict=True)]


def short(digest: str) -> str:
    """Shorten a digest in hexadecimal digits to what is stored of it."""
    return digest[: 2 * _BYTES]


def plain(person: str) -> str:
    """Bring a name to what is stored of it, whatever a table or a file system has in it."""
    return person[:_LONGEST].replace("\0", "?").encode(errors="replace").decode()


def read_seen(run: Path) -> dict[str, Seen]:
    """Read what each network of a run learned from; older runs say nothing of it.

    Raises:
        InputError: The file is damaged.
    """
    file = run / SEEN_FILE
    if not is_file(file):
        return {}
    stored = read_arrays(file, _AGAIN, most=MOST_UNPACKED)
    names = stored.need("networks", "U", (None,))
    examples = stored.need("examples", "u", (None, _BYTES))
    people = stored.need("people", "U", (None,))
    of_examples = stored.need("of_examples", "b", (len(names), len(examples)))
    of_people = stored.need("of_people", "b", (len(names), len(people)))
    whole = stored.need("whole", "b", (len(names),))
    digests = np.array([row.tobytes().hex() for row in examples.astype(np.uint8)], "U12")
    return {
        str(name): Seen(
            frozenset(digests[of_examples[i]].tolist()), frozenset(people[of_people[i]].tolist()),
            bool(whole[i]),
        )
        for i, name in enumerate(names)
    }  # fmt: skip


def note_seen(run: Path, network: str, seen: Seen) -> None:
    """Note what a network of a run is about to learn from, beside what it learned from before."""
    known = read_seen(run)
    known[network] = known[network] | seen if network in known else seen
    write_whole(run / SEEN_FILE, _packed(known))


def _packed(known: Mapping[str, Seen]) -> bytes:
    every = list(known.values())
    examples = sorted(frozenset().union(*(seen.digests for seen in every)))
    people = sorted(frozenset().union(*(seen.people for seen in every)))
    rows = np.frombuffer(bytes.fromhex("".join(examples)), np.uint8).reshape(-1, _BYTES)
    content = io.BytesIO()
    np.savez_compressed(
        content, networks=np.array(list(known)), examples=rows, people=np.array(people, "U"),
        of_examples=np.array([[e in seen.digests for e in examples] for seen in every], bool),
        of_people=np.array([[p in seen.people for p in people] for seen in every], bool),
        whole=np.array([seen.whole for seen in every]),
    )  # fmt: skip
    return content.getvalue()


def with_start(seen: Seen, start: str | None, network: str | None = None) -> Seen:
    """Add what the weights learned from that a training starts with; see `handed_on`."""
    return seen if start is None else seen | handed_on(Path(start), network)


def handed_on(start: Path, network: str | None = None) -> Seen:
    """Give what the weights learned from that a training starts with.

    Args:
        start: Run folder, the `.keras` file of a network in one, or weights of which nothing is known.
        network: Its name in the run folder; where there is none of it, all of the run count.
    """
    if not start.is_dir() and start.suffix != ".keras":
        # Weights of others, and those that ship.
        return Seen(whole=False)
    if start.suffix == ".keras":
        return read_seen(start.parent).get(start.stem, Seen(whole=False))
    known = read_seen(start)
    found = [known[network]] if network in known else [*known.values()]
    return reduce(or_, found, Seen(whole=bool(found)))


def assert_unseen(
    begun: str, digests: Sequence[str], people: Sequence[str | None] | None, network: str | None = None
) -> None:
    """Make sure that what a training begins with, or is taught by, has not learned from what is measured.

    Args:
        begun: Run folder or file, see `handed_on`.
        digests: Of the examples that are measured.
        people: Whom each of them is of.
        network: As in `handed_on`.

    Raises:
        InputError: It has.
    """
    known = handed_on(Path(begun), network)
    count = sum(known.knows(digests, people))
    if not count:
        return
    persons = sorted(known.people.intersection(plain(p) for p in people or () if p is not None))
    alike = f" (such as {persons[0]!r}; a column corpus tells people of one name apart)" if persons else ""
    raise InputError(
        f"{begun} learned from {count} of the {len(digests)} examples that would be measured, or from their "
        f"people{alike}: take data with parts, the seed that it was trained with, or another run"
    )
