"""What installed packages add to emoview: found by their entry points, checked, and never in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from emoview.errors import InputError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,40}", re.ASCII)


@dataclass(frozen=True)
class Package:
    """Who adds something.

    Attributes:
        name: Of the installed package.
        version: Of it.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass
class WithAdditions(Mapping[str, T], Generic[T]):
    """What emoview has by name, and behind it what packages add.

    Nothing is looked for until a name is asked for that emoview does not have, or all are.

    Attributes:
        own: What emoview has.
        group: Of entry points, such as `emoview.writers`.
        kind: What one of them is, for messages.
        take: Checks what an entry point names, and gives what is kept of it; raises a ValueError otherwise.
    """

    own: Mapping[str, T]
    group: str
    kind: str
    take: Callable[[str, object, Package], T]
    _found: tuple[dict[str, T], dict[str, str], dict[str, Package]] | None = field(default=None, repr=False)

    def __getitem__(self, name: str) -> T:
        return self.own[name] if name in self.own else self.added[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self.added

    def __len__(self) -> int:
        return len(self.own) + len(self.added)

    def need(self, name: str) -> T:
        """Give one by name.

        Raises:
            InputError: There is none, or a package adds it that does not work.
        """
        if name in self:
            return self[name]
        if name in self.faults:
            raise InputError(self.faults[name])
        raise InputError(f"{name!r} is not one of {', '.join(self)}")

    @property
    def added(self) -> Mapping[str, T]:
        """What packages add, by name."""
        return self._look()[0]

    @property
    def faults(self) -> Mapping[str, str]:
        """A sentence for each that cannot be used, by name."""
        return self._look()[1]

    @property
    def packages(self) -> Mapping[str, Package]:
        """Which package adds each."""
        return self._look()[2]

    def _look(self) -> tuple[dict[str, T], dict[str, str], dict[str, Package]]:
        if self._found is None:
            found: dict[str, T] = {}
            faults: dict[str, str] = {}
            packages: dict[str, Package] = {}
            for point in _points(self.group):
                package = packages[point.name] = _package_of(point)
                try:
                    if not _NAME.fullmatch(point.name):
                        raise ValueError("names are of small letters, digits and hyphens")
                    if point.name in self.own or point.name in found:
                        raise ValueError("there is another of this name")
                    found[point.name] = self.take(point.name, point.load(), package)
                # Whatever a module does while it is loaded, it must not keep others from their work.
                except (Exception, SystemExit) as error:
                    faults[point.name] = (
                        f"the {self.kind} {point.name} of the package {package} cannot be used "
                        f"({said(error)}): update the package, or remove it"
                    )
            self._found = found, faults, packages
        return self._found


def said(error: BaseException) -> str:
    """Say in a few words what went wrong in the code of others."""
    what = " ".join(str(error).split())[:200]
    kind = "" if type(error) is ValueError and what else type(error).__name__
    return ": ".join(filter(None, (kind, what)))


def _points(group: str) -> list[EntryPoint]:
    from importlib.metadata import entry_points

    try:
        points = list(entry_points(group=group))
    # The description of some installed package is damaged, which is nothing to those that do not need it.
    except Exception:
        return []
    return sorted(points, key=lambda point: (point.name, point.value))


def _package_of(point: EntryPoint) -> Package:
    about = getattr(point, "dist", None)
    try:
        return Package(str(about.name), str(about.version)) if about else Package(point.value, "")
    except Exception:
        return Package(point.value, "")
