"""Make clips.csv and effects.csv of this folder again, from its ticks and clips, and compare.

Needs Python with pandas, pyarrow and scipy, and nothing of emoview:  python analysis.py
Writes effects-again.csv; the exit code is 1 if a number differs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

HERE = Path(__file__).resolve().parent
LABELS = ("neutral", "anger", "disgust", "fear", "happy", "sad", "surprise")
TICK_S = 0.04
# Tables hold six digits.
CLOSE = {"rtol": 1e-3, "atol": 1e-5}


def labels_of_clips(ticks: pd.DataFrame) -> pd.DataFrame:
    """Mean, peak, area above the participant's mean, and share of each label, and of groups, a row a clip."""
    columns = [f"fused_{label}" for label in LABELS]
    usual = ticks.groupby("participant", observed=True)[columns].mean()
    rows = {}
    for clip, part in ticks.groupby("clip", sort=False, observed=True):
        row: dict[str, float] = {}
        said = part["label"].dropna()
        # A label may be that of a group, such as positive.
        grouped = any(part[name].notna().any() for name in part if name.startswith("fused_positive"))
        for label, column in zip(LABELS, columns, strict=True):
            values = part[column].dropna()
            if len(values):
                above = values - usual.loc[part["participant"].iloc[0], column]
                row[f"{label}_mean"], row[f"{label}_peak"] = values.mean(), values.max()
                row[f"{label}_area_s"] = above.clip(lower=0).sum() * TICK_S
                row[f"{label}_share"] = np.nan if grouped else (said == label).mean()
        for column in [name for name in part if name.startswith("fused_") and name not in columns]:
            group = column.removeprefix("fused_")
            if part[column].notna().any():
                row[f"{group}_mean"] = part[column].mean()
                row[f"{group}_share"] = (said == group.removesuffix("_surprise")).mean()
        for name in ("valence", "arousal"):
            row[f"{name}_mean"] = part[name].mean()
        rows[clip] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def mixed_model(values: Any, design: Any, people: Any) -> tuple[Any, Any, float, float]:
    """Fit values = design x effects + an intercept a participant, by restricted maximum likelihood.

    Gives effects, their standard errors, and the standard deviations between and within participants.
    """
    member = (people[:, None] == np.unique(people)[None, :]).astype(float)
    free = len(values) - design.shape[1]

    def solve(ratio: float) -> tuple[float, Any, Any, float]:
        # Of one clip; those of one participant go together.
        covariance = np.eye(len(values)) + ratio * member @ member.T
        precise = design.T @ np.linalg.solve(covariance, design)
        effects = np.linalg.solve(precise, design.T @ np.linalg.solve(covariance, values))
        rest = values - design @ effects
        variance = float(rest @ np.linalg.solve(covariance, rest)) / free
        logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(precise)[1]
        return float(free * np.log(variance) + logs), effects, np.linalg.inv(precise) * variance, variance

    found = optimize.minimize_scalar(
        lambda log: solve(float(np.exp(log)))[0], bounds=(np.log(1e-8), np.log(1e4)), method="bounded"
    )
    ratio = 0.0 if solve(0.0)[0] <= found.fun else float(np.exp(found.x))
    _, effects, spread, variance = solve(ratio)
    return effects, np.sqrt(np.diag(spread)), float(np.sqrt(ratio * variance)), float(np.sqrt(variance))


def degrees_of(number: Any, people: Any) -> Any:
    """Degrees of freedom of each condition against the first (after Pinheiro and Bates 2000).

    Inner ones where half of the participants who saw one of the two saw both, else those of participants.
    """
    seen = np.zeros((people.max() + 1, number.max() + 1), bool)
    seen[people, number] = True
    both, either = (seen[:, 1:] & seen[:, :1]).sum(axis=0), (seen[:, 1:] | seen[:, :1]).sum(axis=0)
    inner = 2 * both >= either
    return np.where(inner, len(people) - len(seen) - inner.sum(), len(seen) - 1 - (~inner).sum())


def effects_of(clips: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Fit every measure of `rows`, and give the same columns."""
    # The plan's first condition may have come to no clip in the first row.
    conditions = list(dict.fromkeys([*rows["against"], *clips["condition"]]))
    made = []
    for measure in dict.fromkeys(rows["measure"]):
        known = clips[["participant", "condition", measure]].dropna()
        people = pd.factorize(known["participant"])[0]
        number = known["condition"].map(conditions.index).to_numpy()
        design = np.column_stack([np.ones(len(known)), *(number == i for i in range(1, len(conditions)))])
        effects, errors, between, within = mixed_model(
            known[measure].to_numpy(float), design.astype(float), people
        )
        free = degrees_of(number, people)
        for i, name in enumerate(conditions[1:], start=1):
            if free[i - 1] < 1:
                continue
            reach = stats.t.ppf(0.975, free[i - 1]) * errors[i]
            means = known.groupby(["participant", "condition"])[measure].mean().unstack()
            pairs = (means[name] - means[conditions[0]]).dropna()
            tested = len(pairs) > 1 and pairs.std() > 1e-9 * known[measure].abs().max()
            made.append({
                "measure": measure, "condition": name, "against": conditions[0], "effect": effects[i],
                "low": effects[i] - reach, "high": effects[i] + reach, "standard_error": errors[i],
                "degrees": free[i - 1], "p": 2 * stats.t.sf(abs(effects[i]) / errors[i], free[i - 1]),
                "effect_in_sd": effects[i] / np.hypot(between, within), "pairs": len(pairs),
                "p_paired": stats.ttest_1samp(pairs, 0).pvalue if tested else np.nan,
            })  # fmt: skip
    table = pd.DataFrame(made)
    for column in ("p", "p_paired"):
        p = table[column].dropna().sort_values()
        table[f"{column}_holm"] = np.minimum(np.maximum.accumulate(p * np.arange(len(p), 0, -1)), 1)
    return table


def compare(name: str, ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Say how far two tables with the same rows agree in the columns that both have.

    An effect near zero is as exact as what it is the difference of, and is measured by its standard error.
    """
    shared = [c for c in ours if c in theirs and ours[c].dtype.kind in "fi" and theirs[c].dtype.kind in "fi"]
    error = theirs["standard_error"].to_numpy(float) if "standard_error" in theirs else 0.0
    off = []
    for column in shared:
        mine, stored = ours[column].to_numpy(float), theirs[column].to_numpy(float)
        slack = CLOSE["rtol"] * error if column in ("effect", "low", "high") else 0.0
        same = np.isclose(mine, stored, equal_nan=True, **CLOSE) | (np.abs(mine - stored) <= slack)
        off += [] if same.all() else [column]
    print(f"{name}: {len(ours)} rows, {len(shared)} columns compared, different: {', '.join(off) or 'none'}")
    return not off


def table_of(name: str) -> pd.DataFrame:
    """Read a table; a condition may be called None or NA, and a participant 007."""
    text = dict.fromkeys(("clip", "participant", "condition", "against", "measure"), str)
    return pd.read_csv(HERE / name, dtype=text, keep_default_na=False, na_values=[""])


def main() -> int:
    """Compare, and give the exit code."""
    ticks = pd.read_parquet(HERE / "ticks.parquet")
    clips = table_of("clips.csv")
    # In a table for spreadsheets an apostrophe stands before what looks like a formula.
    names = clips["clip"].str.replace(r"^'(?='*\s*[=+\-@＝＋－＠])", "", regex=True)
    again = labels_of_clips(ticks).reindex(names).reset_index(drop=True)
    same = compare("clips.csv", again, clips)
    if (HERE / "effects.csv").exists():
        stored = table_of("effects.csv")
        effects = effects_of(clips, stored)
        effects.to_csv(HERE / "effects-again.csv", index=False)
        same &= compare("effects.csv", effects, stored)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
