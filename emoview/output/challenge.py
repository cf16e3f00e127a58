"""One label a clip, as challenges such as EmotiW take their answers."""

from __future__ import annotations

from emoview.timeline.results import Analysis


def challenge_label(analysis: Analysis) -> str:
    """Name the overall label; `neutral`, or its group, where there is neither face nor voice.

    A challenge counts every clip, so that an answer is due even where there is nothing to go by.
    """
    verdict = analysis.overall.fused
    return analysis.name("neutral" if verdict is None else verdict.label)
