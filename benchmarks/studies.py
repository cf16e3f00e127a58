"""Studies whose effect is known, through the tables and models, and how long tables and figures take.

    python -m benchmarks.studies [-o DIR] [--repeat 100] [--clips 200]

Results are made up, without videos.  A clip is of a happy kind or not; the conditions differ in how often it
is, so that their difference is known.  In half of the studies they do not differ.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.batch.inputs import Clip
from emoview.output.json import to_json
from emoview.study.models import effects_table
from emoview.study.plan import Event, PlanRow
from emoview.study.run import analyse_plan, conclude
from emoview.study.tables import clips_table, ticks_table
from emoview.timeline.clock import time_of
from emoview.timeline.labels import LABELS, valence_arousal
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceBox, MediaFacts, Overall, Row, Verdict
from emoview.timeline.segments import segments_of

_HAPPY = LABELS.index("happy")
_PEOPLE, _EACH, _TICKS = 10, 4, 40
_OFTEN = {"calm": 0.25, "film": 0.75}
_MEASURE = "happy_mean"


def probabilities(
    rng: np.random.Generator, habit: NDArray[np.float64], happy: NDArray[np.bool_], ticks: int
) -> NDArray[np.float64]:
    """Make up clips of people with habits `(clips, 7)`: `(clips, ticks, 7)`."""
    logits = habit[:, None] + np.cumsum(rng.normal(0, 0.1, (len(habit), ticks, 7)), axis=1)
    logits[..., 0] += 1.0
    logits[..., _HAPPY] += 1.5 * happy[:, None]
    values = np.exp(logits)
    made: NDArray[np.float64] = values / values.sum(axis=-1, keepdims=True)
    return made


def result(values: NDArray[np.float64]) -> Analysis:
    """Make a result of the probabilities of a clip, `(ticks, 7)`."""
    affect = np.clip(valence_arousal(values), -1, 1)
    box = FaceBox(10.0, 20.0, 100.0, 120.0)
    rows = []
    for tick, (said, (valence, arousal)) in enumerate(
        zip(values.round(6).tolist(), affect.round(6).tolist(), strict=True)
    ):
        rows.append(Row(tick, 0, box, tuple(said), None, tuple(said), valence, arousal))
    ticks, verdict = len(rows), Verdict.of(tuple(values.mean(axis=0).tolist()))
    media = MediaFacts(
        "made.mp4", time_of(ticks), ticks, 640, 360, 25.0, 0, "h264", None, None, None, None, 1.0, 0.0, 1,
        persons=1,
    )  # fmt: skip
    options = Options(modality="face", measure=False)
    return Analysis(
        media, Overall(verdict, verdict, None), segments_of(tuple(rows)), tuple(rows), options, "none", "cpu",
        (), (), {"total": 1.0},
    )  # fmt: skip


def study(
    rng: np.random.Generator, often: dict[str, float], *, people: int, each: int, ticks: int
) -> tuple[list[PlanRow], list[Analysis]]:
    """Make up a study in which everybody is under all conditions, `each` times."""
    habits = rng.normal(0, 0.5, (people, 7))
    rows, results = [], []
    for person, habit in enumerate(habits):
        for condition, share in often.items():
            happy = rng.random(each) < share
            for clip, values in enumerate(probabilities(rng, np.tile(habit, (each, 1)), happy, ticks)):
                name = f"{condition}/{person}-{clip}"
                events = (Event("film", 2.0, 2.0), Event("word", 6.0, 6.0))
                rows.append(PlanRow(Clip(Path(f"{name}.mp4"), name), f"p{person}", condition, {}, events))
                results.append(result(values))
    return rows, results


def effect(count: int = 40_000) -> float:
    """Give the difference of the conditions in the long run, from so many people."""
    rng = np.random.default_rng(1)
    habits = rng.normal(0, 0.5, (count, 7))
    happy, other = (
        probabilities(rng, habits, np.full(count, kind), _TICKS)[..., _HAPPY].mean() for kind in (True, False)
    )
    return float((_OFTEN["film"] - _OFTEN["calm"]) * (happy - other))


def known_effects(repeat: int) -> dict[str, float]:
    """Repeat studies with an effect and without one, and count what the models say of them."""
    found: dict[str, float] = {"repetitions": repeat}
    for name, often, true in (
        ("with", _OFTEN, effect()), ("without", dict.fromkeys(_OFTEN, 0.5), 0.0)
    ):  # fmt: skip
        covered, told, any_told = [], [], []
        for number in range(repeat):
            rng = np.random.default_rng((number, int(name == "with")))
            rows, results = study(rng, often, people=_PEOPLE, each=_EACH, ticks=_TICKS)
            table = effects_table(clips_table(rows, ticks_table(rows, results), results))
            row = table.set_index("measure").loc[_MEASURE]
            covered.append(row["low"] <= true <= row["high"])
            told.append(row["p"] < 0.05)
            any_told.append(bool((table["p_holm"] < 0.05).any()))
        found |= {
            f"effect {name}": true, f"{name}: interval covers it": float(np.mean(covered)),
            f"{name}: p below 0.05": float(np.mean(told)),
            f"{name}: any of {len(table)} below 0.05, corrected": float(np.mean(any_told)),
        }  # fmt: skip
    return found


def seconds(clips: int) -> dict[str, float]:
    """Measure tables, figures and page of clips of 10 s that are analysed already."""
    rows, results = study(
        np.random.default_rng(0), _OFTEN, people=clips // (2 * _EACH), each=_EACH, ticks=250
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plan = []
        for number, (row, one) in enumerate(zip(rows, results, strict=True)):
            path = folder / f"{number}.json"
            path.write_text(to_json(one))
            plan.append(
                PlanRow(Clip(path, str(number)), row.participant, row.condition, row.further, row.events)
            )
        wall, processor = time.perf_counter(), time.process_time()
        conclude(plan, folder / "out", analyse_plan(plan, folder / "out", Options()), reports=False)
        return {
            "clips": len(plan), "seconds": time.perf_counter() - wall,
            "processor seconds": time.process_time() - processor,
        }  # fmt: skip


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--repeat", type=int, default=100)
    parser.add_argument("--clips", type=int, default=200)
    arguments = parser.parse_args()
    found = {"speed": seconds(arguments.clips), "effects": known_effects(arguments.repeat)}
    arguments.output.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=2)
    (arguments.output / "studies.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
