"""Which conditions differ: a mixed model a measure, with participants as random intercepts.

The model is y = X b + u[participant] + e, with u and e normal.  Its likelihood is that of restricted maximum
likelihood (REML; Patterson and Thompson 1971, Biometrika 58, 545-554), maximised over the one ratio of
variances that it depends on; X has an intercept and a column for each condition but the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

_FEWEST: Final = 3
_LARGEST_RATIO: Final = 1e4
_LEVEL: Final = 0.95
_SMALLEST: Final = 1e-9


@dataclass(frozen=True)
class Fit:
    """What a mixed model says.

    Attributes:
        effects: `(conditions - 1,)`, difference of each condition from the first.
        errors: Standard errors of these.
        degrees: Degrees of freedom of each.
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
    ratio = 0.0 if cost(np.log(1e-8)) <= found.fun else float(np.exp(found.x))
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
    """Give degrees of freedom: inner ones where conditions vary within participants.

    After Pinheiro and Bates (2000, Mixed-Effects Models in S and S-PLUS, 2.4.2).
    """
    people = int(participants.max()) + 1
    within = len(np.unique(np.stack([conditions, participants]), axis=1).T) > people
    inner = len(conditions) - people - (count - 1)
    return np.full(count - 1, max(1, inner if within and inner > 0 else people - count), float)


def effects_table(clips: pandas.DataFrame) -> pandas.DataFrame:
    """Compare the conditions of a table of clips: a row a measure and condition, against the first.

    Measures with fewer than three clips in a condition, or without any spread in one, are left out, and so is
    everything with one condition or one participant.  `p_holm` is corrected for the number of rows (Holm
    1979).
    """
    import pandas
    from scipy import stats

    names = list(dict.fromkeys(clips["condition"]))
    rows = []
    if len(names) > 1 and clips["participant"].nunique() > 1:
        for measure in _measures(clips):
            known = clips[["participant", "condition", measure]].dropna()
            counts = known["condition"].value_counts()
            if set(counts.index) != set(names) or counts.min() < _FEWEST or known[measure].std() < 1e-12:
                continue
            numbers = known["condition"].map(names.index).to_numpy()
            people = pandas.factorize(known["participant"])[0]
            found = fit(known[measure].to_numpy(float), numbers, people)
            spread = float(np.hypot(found.between, found.within))
            # What conditions fix to the last digit has no interval.
            if spread < _SMALLEST * max(1.0, float(known[measure].abs().max())):
                continue
            for i, name in enumerate(names[1:]):
                effect, error, degrees = found.effects[i], found.errors[i], found.degrees[i]
                reach = stats.t.ppf(0.5 + _LEVEL / 2, degrees) * error
                rows.append({
                    "measure": measure, "condition": name, "against": names[0], "clips": len(known),
                    "participants": int(people.max()) + 1, "effect": effect, "low": effect - reach,
                    "high": effect + reach, "standard_error": error, "degrees": degrees,
                    "p": 2 * stats.t.sf(abs(effect) / max(error, 1e-300), degrees),
                    "effect_in_sd": effect / spread,
                    "sd_between": found.between, "sd_within": found.within,
                })  # fmt: skip
    table = pandas.DataFrame(rows)
    if rows:
        table["p_holm"] = holm(table["p"].to_numpy())
    return table


def _measures(clips: pandas.DataFrame) -> list[str]:
    ends = ("_mean", "_peak", "_area_s", "_share")
    others = ("blinks_per_min", "blink_s", "syllables_per_s", "pause_s", "pitch_hz", "smiles")
    skipped = ("face_share", "speech_share", "usable_share", "left_out_share")
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
