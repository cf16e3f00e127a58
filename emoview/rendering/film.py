"""Which film a result can be shown on."""

from __future__ import annotations

from emoview.timeline.results import Analysis

# What was scaled is off by the rounding to even sizes.
_ROUNDED_PX = 2


def same_pictures(analysis: Analysis, width: int | None, height: int | None) -> bool:
    """Tell whether pictures of this size can be those that were analysed.

    The film of a live session (`--video`) has them as they were analysed: of the same shape, but smaller.
    """
    facts = analysis.media
    if facts.width is None or facts.height is None or (width, height) == (facts.width, facts.height):
        return True
    if not analysis.options.causal or width is None or height is None or width > facts.width:
        return False
    return abs(height - width * facts.height / facts.width) <= _ROUNDED_PX
