"""What was looked for in a recording at all, and for what share of the time it is there."""

from __future__ import annotations

from emoview.timeline.results import Analysis


def presence_of(analysis: Analysis) -> dict[str, float]:
    """Give for what share of the time there is a `face`, and `speech`: of what was looked for at all."""
    media = analysis.media
    face = {"face": media.face_share} if looked(analysis) else {}
    return {**face, **({"speech": media.speech_share} if listened(analysis) else {})}


def looked(analysis: Analysis) -> bool:
    """Tell whether faces were looked for."""
    # What is imported may know faces, but no pictures.
    return analysis.options.modality != "voice" and (
        analysis.media.width is not None or analysis.media.faces > 0
    )


def listened(analysis: Analysis) -> bool:
    """Tell whether speech was listened for."""
    return analysis.options.modality != "face" and analysis.media.audio_codec is not None
