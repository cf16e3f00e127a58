"""`emoview weights`: what ships, whether it is whole, and what it can do."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from emoview.cli.console import Terminal


class Action(str, Enum):
    """What to do with the weights."""

    LIST = "list"
    VERIFY = "verify"
    CARD = "card"


def weights(
    action: Annotated[
        Action, typer.Argument(help="list them, verify their hashes, or print the model card.")
    ] = Action.LIST,
) -> None:
    """Show the weight files that ship: size, parameters and SHA-256; check them; or print their card.

    Examples:
      emoview weights

      emoview weights card > MODEL_CARD.md
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_health
        from emoview.networks.weights import model_card, weight_states

        if action is Action.CARD:
            render_health.card(terminal, model_card())
            return
        states = weight_states()
        render_health.weights(terminal, states, verified=action is Action.VERIFY)
        if action is Action.VERIFY and not all(state.right for state in states):
            raise typer.Exit(1)
