"""One label a clip, as challenges such as EmotiW take their answers."""

from __future__ import annotations

from emoview.timeline.labels import GROUPS, Naming, group_of
from emoview.timeline.results import Analysis


def challenge_label(analysis: Analysis) -> str:
    """Name the overall label; `neutral`, or its group, where there is neither face nor voice.

    A challenge counts every clip, so that an answer is due even where there is nothing to go by, or where
    the label is uncertain or mixed: then it is the most probable one.
    """
    verdict, count = analysis.overall.fused, analysis.options.labels
    if verdict is None:
        return group_of("neutral", count)
    if verdict.label in GROUPS[count]:
        return verdict.label
    return Naming(count).decide(verdict.probabilities)[0]
