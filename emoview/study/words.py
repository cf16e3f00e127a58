"""What the models of a study say, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from emoview.common.text import counted, name_of
from emoview.study.codebook import column_of

if TYPE_CHECKING:
    import pandas

_CLEAR: Final = 0.05
_SMALLEST_P: Final = 0.001


def number_of(value: float) -> str:
    """Write a number with three digits that count, without powers of ten where that is possible."""
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e+" in text and abs(value) < 1e9 else text.replace("-", "−")


def chance_of(p: float) -> str:
    """Write a p-value; below a thousandth as such."""
    return "below 0.001" if p < _SMALLEST_P else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def sentence_of(row: Mapping[str, Any]) -> str:
    """Say one effect: what differs, by how much, how sure that is, before and after the correction."""
    about = column_of("clips.csv", row["measure"])
    what = f"{row['measure']} ({about.meaning[:1].lower()}{about.meaning[1:]})"
    way = "higher" if row["effect"] > 0 else "lower"
    unit = f" {about.unit}" if about.unit and about.unit not in ("probability", "share") else ""
    low, high = sorted((row["low"], row["high"]))
    paired = row["p_paired"]
    further = (
        f"; paired test of {row['pairs']} participants: p {chance_of(paired)}, corrected "
        f"{chance_of(row['p_paired_holm'])}"
        if paired == paired
        else ""
    )
    return name_of(
        f"{what}: in {row['condition']} {number_of(abs(row['effect']))}{unit} {way} than in "
        f"{row['against']}; 95 % interval from {number_of(low)} to {number_of(high)}, "
        f"{number_of(abs(row['effect_in_sd']))} standard deviations of a clip; "
        f"{row['clips']} clips of {row['participants']} participants; "
        f"p {chance_of(row['p'])}, corrected {chance_of(row['p_holm'])}{further}"
    )


def findings(effects: pandas.DataFrame) -> tuple[list[str], str]:
    """Give a sentence for each difference that stands after the correction, and one on all.

    Args:
        effects: As in `effects_table`, with rows.
    """
    order = effects["effect_in_sd"].abs().sort_values(ascending=False).index
    clear = effects.loc[order][lambda table: table["p_holm"] < _CLEAR]
    count = len(effects)
    whole = counted(count, "comparison")
    if clear.empty:
        whole = (
            f"None of {whole} stands after the correction for their number. That does not show that the "
            "conditions are alike: the intervals below say how large a difference may still be."
        )
    else:
        rest = count - len(clear)
        whole = (
            f"{len(clear)} of {whole} {'stands' if len(clear) == 1 else 'stand'} after the correction for "
            "their number."
        )
        if rest:
            whole += (
                f" Of the other {rest} the data show neither a difference nor that there is none: see their "
                "intervals."
            )
    paired = clear[clear["p_paired"].notna()]
    if len(paired):
        stand = int((paired["p_paired_holm"] < _CLEAR).sum())
        whole += (
            " The model takes participants to differ in level, not in the effect. Where they may, the paired "
            f"test of their means holds: in it {stand} of {len(paired)} "
            f"{'stands' if stand == 1 else 'stand'} after the correction."
        )
    return [sentence_of(row) for row in clear.to_dict("records")], whole
