"""Options whose value may be left out."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from emoview.cli.command import Command


class WithOptionalValue(Command):
    """A command with one option that has a value of its own where none is named."""

    optional: ClassVar[tuple[str, str, str]]
    """The option, its value where none is named, and a pattern of what is one."""

    def make_parser(self, ctx: Any) -> Any:
        """Give a parser that puts the value where none is named."""
        parser: Any = super().make_parser(ctx)
        read = parser.parse_args
        parser.parse_args = lambda args: read(self._filled(args))
        return parser

    def _filled(self, args: list[str]) -> list[str]:
        option, value, pattern = self.optional
        if option not in args:
            return args
        place = args.index(option) + 1
        if place < len(args) and re.fullmatch(pattern, args[place]):
            return args
        return [*args[:place], value, *args[place:]]
