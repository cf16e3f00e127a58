"""The models of a study: effects that are known, degrees of freedom, and scripts that make them again."""

from __future__ import annotations

import runpy
import shutil
import subprocess
from importlib import resources
from pathlib import Path

import numpy as np
import pandas
import pytest
from made_up_measures import measured
from scipy import stats

from emoview.batch.inputs import Clip
from emoview.study.limits import left_out
from emoview.study.models import effects_table, fit, holm, not_compared
from emoview.study.plan import PlanRow


def made(rng: np.random.Generator, effect: float, people: int = 12, each: int = 2):
    participants = np.repeat(np.arange(people), 2 * each)
    conditions = np.tile(np.repeat([0, 1], each), people)
    values = (
        rng.normal(0, 1, people)[participants] + rng.normal(0, 0.7, len(conditions)) + effect * conditions
    )
    return values, conditions, participants


def test_a_known_effect_is_covered_in_95_of_100_and_none_is_found_where_there_is_none():
    rng = np.random.default_rng(1)
    for effect, least, most in ((0.8, 0.9, 1.0), (0.0, 0.0, 0.1)):
        covered, found = [], []
        for _ in range(100):
            one = fit(*made(rng, effect))
            reach = stats.t.ppf(0.975, one.degrees[0]) * one.errors[0]
            covered.append(abs(one.effects[0] - effect) <= reach)
            found.append(abs(one.effects[0]) > reach)
        assert np.mean(covered) >= 0.9
        assert least <= np.mean(found) <= most


def test_a_balanced_design_has_the_effect_and_error_of_a_paired_test():
    values, conditions, participants = made(np.random.default_rng(2), 0.5, each=1)
    one = fit(values, conditions, participants)
    pairs = values[conditions == 1] - values[conditions == 0]
    assert one.effects[0] == pytest.approx(pairs.mean())
    assert one.errors[0] == pytest.approx(pairs.std(ddof=1) / np.sqrt(len(pairs)), rel=1e-3)
    assert one.degrees[0] == len(pairs) - 1


def test_conditions_of_different_people_have_the_degrees_of_people():
    participants = np.repeat(np.arange(10), 6)
    one = fit(np.random.default_rng(3).normal(size=60), participants % 2, participants)
    assert one.degrees[0] == 8


@pytest.mark.parametrize(
    ("saw", "degrees"),
    [
        # Of six people who saw both, four clips each.
        ([(0, 1)] * 6, [17]),
        # The third condition was seen by other people.
        ([(0, 1)] * 4 + [(2,)] * 4, [15, 6]),
        ([(0,)] * 4 + [(1, 2)] * 4, [5, 5]),
        # One of six saw both: the others tell the difference.
        ([(0, 1), (0,), (1,), (0,), (1,), (1,)], [4]),
        # One person under each condition: nothing tells the conditions from the people.
        ([(0,), (1,)], [0]),
    ],
)
def test_degrees_of_freedom_are_those_of_whoever_tells_conditions_apart(saw: list, degrees: list[int]):
    each = [(p, c) for p, seen in enumerate(saw) for c in seen for _ in range(2)]
    participants, conditions = np.array(each).T
    one = fit(np.random.default_rng(5).normal(size=len(each)), conditions, participants)
    assert one.degrees.tolist() == degrees


def test_what_people_decide_is_not_compared_and_the_plan_says_what_is_first():
    rng = np.random.default_rng(6)
    clips = pandas.DataFrame({
        "clip": range(6), "participant": ["a"] * 3 + ["b"] * 3, "condition": ["x"] * 3 + ["y"] * 3,
        "sad_mean": rng.normal(size=6),
    })  # fmt: skip
    assert effects_table(clips).empty
    assert not_compared(clips, effects_table(clips)) == ["sad_mean"]
    both = clips.assign(participant=["a", "b", "c"] * 2)
    # Each participant's difference is the same to the last digit.
    assert effects_table(both.assign(sad_mean=[1.0, 2.0, 4.0, 1.5, 2.5, 4.5])).empty
    assert effects_table(both)["against"].tolist() == ["x"]
    assert effects_table(both, ["y", "x"])["against"].tolist() == ["y"]


def test_models_without_a_spread_of_people_are_told():
    rng = np.random.default_rng(1)
    clips = pandas.DataFrame({
        "clip": range(24), "participant": np.repeat(range(6), 4), "condition": ["x", "y"] * 12,
        "seconds": 3.0, "neutral_mean": 0.5, "sad_mean": rng.normal(size=24),
        "fear_mean": np.repeat(range(6), 4),
    })  # fmt: skip
    clips["fear_mean"] += rng.normal(size=24)
    # The same of each participant, so that they do not differ at all.
    clips["sad_mean"] -= clips.groupby("participant")["sad_mean"].transform("mean")
    effects = effects_table(clips)
    plan = [PlanRow(Clip(Path("a.mp4"), "a"), "a", "x", {})] * 24
    (said,) = left_out(plan, [measured()] * 24, clips, effects)
    assert said.startswith("No spread between participants is found in the models of sad_mean: ")
    # One clip of each tells nothing of it.
    alone = effects_table(clips.assign(participant=range(24)))
    assert (alone["sd_between"] == 0).all()
    assert left_out(plan, [measured()] * 24, clips, alone) == []


def test_many_clips_of_few_people_who_differ_in_the_effect_are_no_evidence():
    found: dict[str, list[bool]] = {"p": [], "p_paired": []}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        people, film = np.repeat(np.arange(6), 40), np.tile([0, 1], 120)
        own = rng.normal(size=6)
        clips = pandas.DataFrame({
            "participant": people, "condition": np.where(film, "film", "calm"),
            "sad_mean": own[people] * film + rng.normal(size=240),
        })  # fmt: skip
        row = effects_table(clips).iloc[0]
        assert row["pairs"] == 6
        for name, all_found in found.items():
            all_found.append(row[name] < 0.05)
    assert np.mean(found["p"]) > 0.3
    assert np.mean(found["p_paired"]) <= 0.1


def test_the_paired_test_is_the_model_where_all_is_seen_once():
    values, conditions, participants = made(np.random.default_rng(2), 0.5, each=1)
    clips = pandas.DataFrame({"participant": participants, "condition": conditions, "sad_mean": values})
    clips["happy_mean"] = made(np.random.default_rng(3), 0.5, each=1)[0]
    table = effects_table(clips)
    assert table["p_paired"].to_numpy() == pytest.approx(table["p"].to_numpy(), rel=1e-3)
    assert table["p_paired_holm"].to_numpy() == pytest.approx(holm(table["p_paired"].to_numpy()))
    # Different people under each: there is nobody to pair.
    table = effects_table(clips.assign(participant=range(len(clips))))
    assert table["pairs"].tolist() == [0, 0]
    assert table[["p_paired", "p_paired_holm"]].isna().all(axis=None)


def test_effects_name_measures_and_are_corrected():
    rng = np.random.default_rng(4)
    values, conditions, participants = made(rng, 2.0)
    table = effects_table(
        pandas.DataFrame({
            "clip": range(len(values)), "participant": participants,
            "condition": np.where(conditions, "film", "calm"),
            "happy_mean": values, "sad_mean": rng.normal(size=len(values)), "anger_mean": 1.0, "seconds": 3.0,
            "label": "happy",
        })
    ).set_index("measure")  # fmt: skip
    assert list(table.index) == ["happy_mean", "sad_mean"]
    happy = table.loc["happy_mean"]
    assert (happy["condition"], happy["against"], happy["participants"]) == ("film", "calm", 12)
    assert happy["low"] < 2 < happy["high"]
    assert happy["p_holm"] == pytest.approx(2 * happy["p"])
    assert table.loc["sad_mean", "p_holm"] > 0.05
    assert effects_table(pandas.DataFrame({"condition": ["a"], "participant": ["x"]})).empty


def test_holm():
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.8]).tolist() == [1, 1]


def no_spread(folder: Path, measures: int = 12) -> pandas.DataFrame:
    """Clips of people who do not differ, and some of whom saw one condition alone."""
    rng = np.random.default_rng(3)
    saw = [(0, 0, 1), (0, 1, 1, 1), (1, 0), (0, 0, 0, 1, 2), (2, 2, 1), (2, 0)]
    people, conditions = np.array([(p, c) for p, seen in enumerate(saw) for c in seen]).T
    clips = pandas.DataFrame({
        "clip": range(len(people)), "participant": [f"p{p}" for p in people],
        "condition": [f"k{c}" for c in conditions],
        **{f"m{i}_mean": 10.0 ** (i - 5) * rng.normal(10, 1, len(people)) for i in range(measures)},
    })  # fmt: skip
    for name, table in {"clips.csv": clips, "effects.csv": effects_table(clips)}.items():
        table.to_csv(folder / name, index=False, float_format="%.6g")
    source = resources.files("emoview.study").joinpath("scripts")
    for name in ("analysis.py", "analysis.R"):
        (folder / name).write_text(source.joinpath(name).read_text("utf-8"))
    return effects_table(clips)


def test_the_scripts_agree_where_people_do_not_differ_and_in_any_unit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "a folder"
    folder.mkdir()
    effects = no_spread(folder)
    assert (effects["sd_between"] == 0).any()
    script = runpy.run_path(str(folder / "analysis.py"))
    stored = script["table_of"]("effects.csv")
    assert script["compare"]("effects", script["effects_of"](script["table_of"]("clips.csv"), stored), stored)
    wrong = stored.assign(effect=stored["effect"] + 0.01 * stored["standard_error"] + 1e-5)
    assert not script["compare"]("effects", wrong, stored)
    assert "different: effect" in capsys.readouterr().out
    if shutil.which("Rscript"):
        done = subprocess.run(
            ["Rscript", str(folder / "analysis.R")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
