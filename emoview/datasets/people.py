"""Names of those who must not stand on both sides of a split."""

from __future__ import annotations


def person_or_clip(actor: str | None, clip: str, corpus: str | None = None) -> str:
    """Name who acts in a clip; where nobody is named, the clip, of which one frame looks like the next.

    Args:
        actor: As the corpus calls them.
        clip: Its name, or its place in the data set.
        corpus: Tells equally named actors of several corpora apart.
    """
    if actor is None:
        return f"clip {clip}"
    return actor if corpus is None else f"{corpus}/{actor}"
