"""Which conditions differ: a mixed model a measure, with participants as random intercepts.

The model is y = X b + u[participant] + e, with u and e normal.  Its likelihood is that of restricted maximum
likelihood (REML; Patterson and Thompson 1971, Biometrika 58, 545-554), maximised over the one ratio of
variances that it depends on; X has an intercept and a column for each condition but the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

_FEWEST: Final = 3
_FEWEST_PEOPLE: Final = 2
_LARGEST_RATIO: Final = 1e4
_LEVEL: Final = 0.95
_SMALLEST: Final = 1e-9
_STILL: Final = 1e-12
_FLAT: Final = 1e-7


@dataclass(frozen=True)
class Fit:
    """What a mixed model says.

    Attributes:
        effects: `(conditions - 1,)`, difference of each condition from the first.
        errors: Standard errors of these.
        degrees: Degrees of freedom of each; below 1 where the clips cannot tell conditions from participants.
        between: Standard deviation of the participants' intercepts.
        within: Standard deviation of the rest.
    """

    effects: Floats
    errors: Floats
    degrees: Floats
    between: float
    within: float


def fit(values: Floats, conditions: NDArray[np.int64], participants: NDArray[np.int64]) -> Fit:
    """Fit a measure of clips.

    Args:
        values: `(clips,)`.
        conditions: `(clips,)`, numbers from 0 on, each there.
        participants: `(clips,)`, likewise.
    """
    from scipy.optimize import minimize_scalar

    count = int(conditions.max()) + 1
    design = np.column_stack([np.ones(len(values)), *(conditions == one for one in range(1, count))]).astype(
        float
    )

    def cost(logarithm: float) -> float:
        return _solved(np.exp(logarithm), values, design, participants)[0]

    found = minimize_scalar(cost, bounds=(np.log(1e-8), np.log(_LARGEST_RATIO)), method="bounded")
    # With one clip of each participant it is flat, but for rounding.
    ratio = 0.0 if cost(np.log(1e-8)) <= found.fun + _FLAT else float(np.exp(found.x))
    _, effects, spread, variance = _solved(ratio, values, design, participants)
    errors = np.sqrt(np.diag(spread) * variance)
    return Fit(
        effects[1:], errors[1:], _degrees(conditions, participants, count),
        float(np.sqrt(ratio * variance)), float(np.sqrt(variance)),
    )  # fmt: skip


def _solved(
    ratio: float, values: Floats, design: Floats, participants: NDArray[np.int64]
) -> tuple[float, Floats, Floats, float]:
    """Give minus twice the restricted log-likelihood, the estimates, their spread and the variance."""
    counts = np.bincount(participants)
    shrink = ratio / (1 + counts * ratio)

    def weighted(columns: Floats) -> Floats:
        sums = np.stack([np.bincount(participants, column) for column in columns.T], axis=1)
        return columns - (shrink[:, None] * sums)[participants]

    precise = design.T @ weighted(design)
    spread = np.linalg.pinv(precise)
    effects = spread @ (weighted(design).T @ values)
    rest = values - design @ effects
    free = len(values) - design.shape[1]
    variance = float(rest @ weighted(rest[:, None])[:, 0]) / free
    logdet = float(np.log1p(counts * ratio).sum()) + float(np.linalg.slogdet(precise)[1])
    return free * np.log(max(variance, 1e-300)) + logdet, effects, spread, variance


def _degrees(conditions: NDArray[np.int64], participants: NDArray[np.int64], count: int) -> Floats:
    """Give degrees of freedom of each condition against the first: inner ones where participants saw both.

    After Pinheiro and Bates (2000, Mixed-Effects Models in S and S-PLUS, 2.4.2), who take a difference for
    an inner one as soon as one participant saw both conditions.  Here half of those who saw one must have.
    """
    people = int(participants.max()) + 1
    seen = np.zeros((people, count), bool)
    seen[participants, conditions] = True
    both = (seen[:, 1:] & seen[:, :1]).sum(axis=0)
    either = (seen[:, 1:] | seen[:, :1]).sum(axis=0)
    inner = 2 * both >= either
    of_clips = len(conditions) - people - int(inner.sum())
    of_people = people - 1 - int((~inner).sum())
    return np.where(inner, of_clips, of_people).astype(float)


def effects_table(clips: pandas.DataFrame, order: Sequence[str] = ()) -> pandas.DataFrame:
    """Compare the conditions of a table of clips: a row a measure and condition, against the first.

    Measures with fewer than three clips in a condition, or without any spread, are left out, and so is
    everything with one condition, and what cannot be told from differences of the participants.  `p_holm` is
    corrected for the number of rows (Holm 1979).  `p_paired` takes no clips of one participant for
    independent of each other, and holds where participants differ in the effect; the model knows no such.

    Args:
        clips: A row a clip.
        order: Of the conditions; by default that of the clips.
    """
    import pandas

    there = dict.fromkeys(clips["condition"])
    names = [name for name in dict.fromkeys((*order, *there)) if name in there]
    measures = _measures(clips) if len(names) > 1 else []
    table = pandas.DataFrame([row for measure in measures for row in _compared(clips, measure, names)])
    for p, corrected in (("p", "p_holm"), ("p_paired", "p_paired_holm")):
        if len(table):
            known = table[p].notna()
            table.loc[known, corrected] = holm(table.loc[known, p].to_numpy(float))
    return table


def not_compared(clips: pandas.DataFrame, effects: pandas.DataFrame) -> list[str]:
    """Name the measures that vary, but are in no row of the table of effects."""
    compared = set(effects["measure"]) if len(effects) else set()
    return [one for one in _measures(clips) if one not in compared and clips[one].std() > _STILL]


def _compared(clips: pandas.DataFrame, measure: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Give the rows of a measure; none where it cannot be compared."""
    import pandas
    from scipy import stats

    known = clips[["participant", "condition", measure]].dropna()
    counts = known["condition"].value_counts()
    if set(counts.index) != set(names) or counts.min() < _FEWEST or known[measure].std() < _STILL:
        return
    if known["participant"].nunique() < _FEWEST_PEOPLE:
        return
    numbers = known["condition"].map(names.index).to_numpy()
    people = pandas.factorize(known["participant"])[0]
    found = fit(known[measure].to_numpy(float), numbers, people)
    spread = float(np.hypot(found.between, found.within))
    # What conditions, or conditions and participants, fix to the last digit has no interval.
    fixed = found.within**2 * _LARGEST_RATIO < 1.05 * found.between**2 and len(known) > people.max() + 1
    if fixed or spread < _SMALLEST * max(1.0, float(known[measure].abs().max())):
        return
    for i, name in enumerate(names[1:]):
        effect, error, degrees = found.effects[i], found.errors[i], found.degrees[i]
        if degrees < 1:
            continue
        reach = stats.t.ppf(0.5 + _LEVEL / 2, degrees) * error
        pairs, paired = _paired(known, measure, name, names[0])
        yield {
            "measure": measure, "condition": name, "against": names[0], "clips": len(known),
            "participants": int(people.max()) + 1, "effect": effect, "low": effect - reach,
            "high": effect + reach, "standard_error": error, "degrees": degrees,
            "p": 2 * stats.t.sf(abs(effect) / max(error, 1e-300), degrees),
            "effect_in_sd": effect / spread,
            "sd_between": found.between, "sd_within": found.within, "pairs": pairs, "p_paired": paired,
        }  # fmt: skip


def _paired(known: pandas.DataFrame, measure: str, name: str, against: str) -> tuple[int, float]:
    """Count who saw both conditions, and give p of a t-test of their means; NaN where there is none."""
    from scipy import stats

    means = known.groupby(["participant", "condition"], observed=True)[measure].mean().unstack()
    differences = (means[name] - means[against]).dropna().to_numpy(float)
    if len(differences) < _FEWEST_PEOPLE or differences.std() < _SMALLEST * known[measure].abs().max():
        return len(differences), np.nan
    return len(differences), float(stats.ttest_1samp(differences, 0).pvalue)


def _measures(clips: pandas.DataFrame) -> list[str]:
    ends = ("_mean", "_peak", "_area_s", "_share")
    others = ("blinks_per_min", "blink_s", "syllables_per_s", "pause_s", "pitch_hz", "smiles")
    skipped = (
        "face_share", "speech_share", "usable_share", "left_out_share",
        # Of groups, positive is happy, and other is the rest of positive: told already.
        "positive_mean", "other_mean", "other_share",
    )  # fmt: skip
    return [
        name for name in clips
        if (name.endswith(ends) or name in others) and name not in skipped and clips[name].dtype.kind in "fi"
    ]  # fmt: skip


def holm(values: Sequence[float] | Floats) -> Floats:
    """Correct p-values so that the chance of any false finding stays (Holm 1979, Scand. J. Statistics 6)."""
    p = np.asarray(values, float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    result = np.empty(len(p))
    result[order] = np.minimum(steps, 1)
    return result
