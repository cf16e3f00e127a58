"""The paragraph for a methods section, filled in from a result, and how to cite what took part."""

from __future__ import annotations

import textwrap
from typing import Final

from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis

_WIDTH: Final = 100
_FACE = (
    "Faces were detected and tracked with the MediaPipe face mesh (0.10.21; Kartynnik et al. 2019), rotated "
    "upright by the eyes, cropped to the outline of the mesh, and classified by {network}."
)
_SHIPPED_FACE = (
    "a squeeze-and-excitation residual network on grey pixels, followed by a bidirectional GRU over time"
)
_SHIPPED_VOICE = "a temporal convolutional network and a network over functionals"
_OPENSMILE = (
    "ComParE 2016 low-level descriptors and functionals (openSMILE; Eyben et al. 2010, Schuller et al. 2016) "
    "and MFCCs"
)
_HAD = {"face": "a face", "speech": "speech"}
_BUILTIN = "descriptors and functionals of emoview's own, and MFCCs"
_FUSION = {
    "late": "late fusion of their logits",
    "early": "early fusion of their features",
}


def methods_text(analysis: Analysis) -> str:
    """Write the paragraph, what to add by hand, and a BibTeX entry; lines have up to 100 characters.

    Raises:
        InputError: Another program analysed the recording.
    """
    if analysis.source is not None:
        raise InputError(f"this result was imported from {name_of(analysis.source)}: describe and cite that")
    paragraph = textwrap.fill(" ".join(_sentences(analysis)), _WIDTH, break_long_words=False)
    return f"{paragraph}\n\n{_BY_HAND}\n\n{_citation(analysis)}"


_BY_HAND: Final = """Add by hand: how many minutes were annotated, by how many raters, and the agreement with
them (emoview agree). These numbers say which label people would most likely give to such a face or
voice; they are not evidence of what somebody feels."""


def _sentences(analysis: Analysis) -> list[str]:
    media, options = analysis.media, analysis.options
    what = "Video and audio were" if len(presence_of(analysis)) == 2 else "The recording was"
    sentences = [
        f"Emotional expression was estimated with emoview {_version(analysis)}, run offline. "
        f"{what} resampled to ticks of 40 ms by presentation time."
    ]
    if options.modality != "voice" and media.width is not None:
        if media.widened != 1:
            sentences.append(f"Pictures were widened by {media.widened:.3g} to correct their aspect ratio.")
        network = _stand_in(analysis, "face") or _SHIPPED_FACE
        sentences.append(_FACE.format(network=network))
    if options.modality != "face" and media.audio_codec is not None:
        described = _OPENSMILE if options.voice_features == "opensmile" else _BUILTIN
        # What a network of a run takes, the result does not tell.
        own = _stand_in(analysis, "voice")
        shipped = f"described by {described}; {_SHIPPED_VOICE} classified it"
        sentences.append(
            f"Speech was found by voice activity detection and {f'classified by {own}' if own else shipped}."
        )
    if analysis.fusion_used in _FUSION:
        sentences.append(
            f"The modalities were combined by {_FUSION[analysis.fusion_used]}{_person(analysis)}."
        )
    elif person := _person(analysis):
        sentences.append(f"Labels were given{person}.")
    labels = ", ".join(analysis.naming.groups)
    sentences.append(
        f"Each tick has probabilities of {len(analysis.naming.groups)} labels ({labels}), "
        f"{_over_time(analysis)}."
    )
    if options.least_confidence is not None:
        sentences.append(f"Labels below a probability of {options.least_confidence:g} counted as uncertain.")
    if options.min_quality is not None:
        sentences.append(f"Faces of a quality below {options.min_quality:g} were left out.")
    sentences.append(
        f"Segments have one label and at least {options.min_segment:g} s; losses of the face and pauses of "
        "up to 1 s do not end them."
    )
    affect = (
        f"estimated from the face by {_stand_in(analysis, 'affect') or 'a network of its own'}"
        if analysis.affect == "estimated"
        else "derived from them as the expected position on the ratings of Russell and Mehrabian (1977)"
    )
    sentences.append(f"Valence and arousal were {affect}.")
    shares = {_HAD[what]: share for what, share in presence_of(analysis).items()}
    had = " and ".join(f"{share:.0%} had {what}" for what, share in shares.items())
    without = "either" if len(shares) == 2 else "".join(shares)
    sentences.append(f"Of {media.duration_s:.1f} s, {had}; ticks without {without} were treated as missing.")
    return sentences


def _over_time(analysis: Analysis) -> str:
    """Say how ticks take their neighbours into account."""
    smooth, causal = analysis.options.smooth, analysis.options.causal
    if smooth == 0:
        return "calibrated on whole clips, each from its tick alone"
    if causal:
        of = "" if smooth is None else f" of {smooth:g} s"
        return f"averaged over earlier ticks by an exponential{of} and calibrated on whole clips"
    if smooth is not None:
        return (
            f"averaged over neighbouring ticks with Gaussian weights (standard deviation {smooth:g} s) and "
            "calibrated on whole clips"
        )
    return (
        "by a hidden Markov model of how long labels last (forward-backward; fitted and calibrated on clips "
        "joined in pairs)"
    )


def _version(analysis: Analysis) -> str:
    hashes = ", ".join(f"{used.name} {used.sha256[:12]}" for used in analysis.weights)
    return name_of(f"{analysis.version or 'VERSION'} (weights by SHA-256: {hashes})")


def _stand_in(analysis: Analysis, kind: str) -> str | None:
    """Name the network of a run that is for the face, the voice, or valence and arousal."""
    runs = [used.name for used in analysis.weights if used.name.endswith(".keras")]
    own = [name.removeprefix(f"{kind}/") for name in runs if name.startswith(f"{kind}/")]
    if not any("/" in name for name in runs) and kind != "affect":
        # Earlier results do not say what it is for.
        shipped = any(used.name.startswith(f"{kind}_") for used in analysis.weights)
        own = [] if shipped else runs
    return f"a network of our own ({name_of(', '.join(own))})" if own else None


def _person(analysis: Analysis) -> str:
    if analysis.own_baselines:
        return " relative to what the face showed in all that was analysed"
    if analysis.options.baseline is None:
        return ""
    counts = analysis.baseline_clips
    made = " and ".join(f"{count} recordings ({kind})" for kind, count in counts.items()) or "N recordings"
    return f" relative to the participant's baseline, learned from {made}"


def _citation(analysis: Analysis) -> str:
    hashes = ", ".join(f"{used.name} {used.sha256}" for used in analysis.weights)
    note = name_of(f"Weights by SHA-256: {hashes}; fusion: {analysis.fusion_used}")
    return (
        "@software{emoview,\n"
        "  author  = {{The emoview authors}},\n"
        "  title   = {emoview: from a video to an emotion timeline of face, voice and both},\n"
        f"  version = {{{name_of(analysis.version or 'VERSION')}}},\n"
        f"  note    = {{{note}}}\n"
        "}\n"
    )
