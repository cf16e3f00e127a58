"""Options whose value may be left out."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from typer.core import TyperCommand


class WithOptionalValue(TyperCommand):
    """A command with one option that has a value of its own where none is named."""

    optional: ClassVar[tuple[str, str, str]]
    """The option, its value where none is named, and a pattern of what is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        option, value, pattern = self.optional
        if option in args:
            place = args.index(option) + 1
            if place == len(args) or not re.fullmatch(pattern, args[place]):
                args = [*args[:place], value, *args[place:]]
        return super().parse_args(ctx, args)
