"""What was analysed and how, in the words of people, and what only engineers look for."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from emoview.common.text import name_of
from emoview.timeline.in_file import in_file
from emoview.timeline.presence import listened, looked, presence_of
from emoview.timeline.results import Analysis

Pairs = list[tuple[str, str]]

_FUSION = {
    "late": "face and voice judged apart, then joined",
    "early": "face and voice judged together",
    "none": "one of them alone",
}
_FACE = {"largest": "the largest", "speaking": "the one that speaks", "all": "all"}
_SEEN = {"face": "a face is seen", "speech": "somebody speaks"}
_LABELS = {
    7: "seven labels",
    3: "three groups: positive, neutral, negative",
    2: "two groups: positive, other",
}


def facts_of(analysis: Analysis) -> Pairs:
    """Say what the file is."""
    media = analysis.media
    pairs = [("file", Path(media.path).name), ("length", length_of(media.duration_s))]
    if media.start_s:
        pairs.append(("starts in the file at", length_of(in_file(analysis, 0.0))))
    if media.width is not None:
        rate = "" if media.frame_rate is None else f", {media.frame_rate:g} pictures a second"
        pairs.append(("picture", f"{media.width} x {media.height}{rate}"))
    if media.widened != 1:
        pairs.append(("picture widened", f"by {media.widened:.2f}, as analysed"))
    if media.audio_codec is not None:
        level = "" if media.audio_level_db is None else f", level {media.audio_level_db:g} dB"
        pairs.append(("sound", f"{(media.audio_rate or 0) / 1000:g} kHz, {media.audio_channels}{level}"))
    if looked(analysis):
        pairs.append(("faces", str(media.persons or media.faces)))
    pairs += [(_SEEN[what], f"{share:.0%} of the time") for what, share in presence_of(analysis).items()]
    return [(name, name_of(value)) for name, value in pairs]


def why_nothing(analysis: Analysis) -> str:
    """Say why a result has no label, such as `no face and no speech found`."""
    if analysis.source is not None and analysis.media.faces:
        return f"no labels in what {name_of(analysis.source)} found"
    speech = ["no speech"] if listened(analysis) else []
    if analysis.media.faces:
        return " and ".join(["no face of the quality asked for", *speech]) + " found"
    return " and ".join([*(["no face"] if looked(analysis) else []), *speech] or ["nothing"]) + " found"


def options_of(analysis: Analysis) -> Pairs:
    """Say how it was analysed."""
    options = analysis.options
    pairs = [
        ("labels", _LABELS[options.labels]),
        ("faces reported", _FACE.get(options.face, f"face {options.face}")),
        ("face and voice", _FUSION[analysis.fusion_used]),
        ("shortest segment", f"{options.min_segment:g} s"),
    ]
    if analysis.source is not None:
        pairs.insert(0, ("analysed by", analysis.source))
    if options.smooth is not None:
        kind = "exponential" if options.causal else "Gaussian"
        pairs.append(
            ("ticks averaged over", f"{options.smooth:g} s ({kind})" if options.smooth else "nothing")
        )
    if options.modality != "both":
        pairs.append(("looked at", f"the {options.modality} alone"))
    if options.least_confidence is not None:
        pairs.append(("uncertain below", f"{100 * options.least_confidence:g}%"))
    if options.baseline is not None:
        clips = " and ".join(f"{count} of the {kind}" for kind, count in analysis.baseline_clips.items())
        made = f", from recordings: {clips}" if clips else ""
        pairs.append(("relative to the baseline", f"{Path(options.baseline).name}{made}"))
    pairs += [
        ("own baseline", f"face {one.person}, from {one.seconds:.0f} s of this recording")
        for one in analysis.own_baselines
    ]
    if options.runs:
        pairs.append(("networks of runs", ", ".join(options.runs)))
    if analysis.affect == "estimated":
        pairs.append(("valence and arousal", "estimated from the face; without one, derived from the labels"))
    return [(name, name_of(value)) for name, value in pairs]


def technical_of(analysis: Analysis) -> Pairs:
    """Give every field of the file and the options as the JSON has them."""
    media = [(field.name, getattr(analysis.media, field.name)) for field in fields(analysis.media)]
    used = [
        ("emoview", analysis.version),
        ("fusion used", analysis.fusion_used),
        ("device used", analysis.device_used),
    ]
    asked = list(analysis.options.asked().items())
    return [(name.replace("_", " "), _text(value)) for name, value in (*media, *asked, *used)]


def length_of(seconds: float) -> str:
    """Say a length of time, such as `9.5 s` or `1 h 02 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return name_of(", ".join(map(str, value)) if isinstance(value, tuple) else value)
