"""What cannot be done, whatever the file, is refused before any work."""

from __future__ import annotations

from emoview.errors import InputError
from emoview.timeline.options import MOST_SMOOTH_S, Options, check_choices, is_number, ratio_of


def check(options: Options) -> None:
    """Refuse what cannot be done, whatever the file.

    Raises:
        InputError: The options exclude each other, or name what is not there.
    """
    check_choices(options)
    _check_faces(options)
    _check_values(options)
    if options.causal:
        check_causal(options)
    replaced = _labels_replaced(options)
    if replaced and options.fusion == "early":
        raise InputError(
            "early fusion works with the shipped networks only: use --fusion late with --weights"
        )
    if replaced and options.explain:
        raise InputError("only the networks that ship can be explained: leave out --explain or --weights")
    if options.voice_features != "opensmile":
        _check_features(options, replaced=replaced)
    if options.baseline is not None:
        if replaced:
            raise InputError(
                "a baseline works with the shipped networks only: leave out --baseline or --weights"
            )
        if options.fusion == "early":
            raise InputError("early fusion does not support baselines: use --fusion late")
        if options.face == "all":
            raise InputError(
                "a baseline is for one person: choose a face with --face, or leave out --baseline"
            )
        from emoview.pipeline.models import read_baseline

        # A wrong file is to cost nothing but this.
        read_baseline(options.baseline)


def _check_faces(options: Options) -> None:
    """Refuse values that name no faces."""
    if type(options.max_faces) is not int or options.max_faces < 1:
        raise InputError("max_faces must be a whole number, 1 or more")
    if options.face not in ("largest", "speaking", "all") and not is_number(options.face):
        raise InputError(f"face must be largest, speaking, all or a number, not {options.face!r}")
    for group in options.merge:
        if len(group) < 2 or not all(type(one) is int and one >= 0 for one in group):
            raise InputError(f"merge must be groups of two or more face numbers, not {list(group)!r}")


def _check_values(options: Options) -> None:
    """Refuse values that are none of their kind."""
    if options.voice not in ("face", "all") and not is_number(options.voice):
        raise InputError(f"voice must be face, all or the number of a voice, not {options.voice!r}")
    least = options.least_confidence
    known = least is None or (isinstance(least, int | float) and not isinstance(least, bool))
    if not known or (least is not None and not 0 <= least <= 1):
        raise InputError(f"least_confidence must be a number from 0 to 1, not {least!r}")
    for name in ("rate", "capture_rate"):
        rate = getattr(options, name)
        if rate is not None and (
            isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < 1e6
        ):
            raise InputError(f"{name} must be a number of pictures a second, above 0, not {rate!r}")
    if options.audio_track is not None and not options.audio_track.strip():
        raise InputError("audio_track must be a number, from 1, or a name")
    shortest = options.min_segment
    if not isinstance(shortest, int | float) or isinstance(shortest, bool) or not 0 <= shortest <= 3600:
        raise InputError(f"min_segment must be seconds from 0 to 3600, not {shortest!r}")
    smooth = options.smooth
    known = smooth is None or (isinstance(smooth, int | float) and not isinstance(smooth, bool))
    if not known or (smooth is not None and not 0 <= smooth <= MOST_SMOOTH_S):
        raise InputError(f"smooth must be seconds from 0 to {MOST_SMOOTH_S:g}, not {smooth!r}")
    quality = options.min_quality
    known = quality is None or (isinstance(quality, int | float) and not isinstance(quality, bool))
    if not known or (quality is not None and not 0 <= quality <= 1):
        raise InputError(f"min_quality must be a number from 0 to 1, not {quality!r}")
    if quality is not None and not options.measure:
        raise InputError("min_quality needs the measures of the face: leave out --no-measure")
    ratio_of(options.aspect)


def check_causal(options: Options) -> None:
    """Refuse what needs the whole recording, for an analysis that never looks ahead.

    Raises:
        InputError: Such an option.
    """
    if options.fusion == "early":
        raise InputError("early fusion needs the whole recording: live and causal analysis use --fusion late")
    if options.explain:
        raise InputError("explanations need the whole recording: leave out --explain, or --causal")
    if options.voice.isdecimal():
        raise InputError("voices are told apart in whole recordings only: leave out --voice, or --causal")
    if options.merge or options.split:
        raise InputError(
            "live and causal analysis takes each track for a person of its own: leave out --merge and --split"
        )
    if options.min_quality is not None:
        raise InputError("measures need the whole recording: leave out --min-quality, or --causal")


def _check_features(options: Options, *, replaced: bool) -> None:
    """Refuse what goes with openSMILE's features alone."""
    for option, given in (
        ("--weights", replaced),
        ("--explain", options.explain),
        ("--baseline", options.baseline is not None),
        ("--fusion early", options.fusion == "early"),
    ):
        if given:
            raise InputError(
                f"{option} was made for openSMILE's features: leave it out, or --voice-features builtin"
            )


def _labels_replaced(options: Options) -> bool:
    """Tell whether networks of runs tell the labels: a run of valence and arousal leaves these alone.

    Raises:
        InputError: A run has no network of use, two are for the same, or one is for what is not looked at.
    """
    if not options.runs:
        return False
    from emoview.pipeline.stand_ins import ROLES, roles

    found = roles(options.runs)
    for role in found:
        if options.modality != "both" and (options.modality == "voice") != (role == "voice"):
            raise InputError(
                f"--weights names a network for {ROLES[role]}, which --modality {options.modality} leaves "
                "out: drop one of the two"
            )
    return bool(found.keys() - {"affect"})
