"""Studies: plans with faults, tables, and effects that are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import pandas
import pytest
from made_up import made_up
from made_up_measures import measured
from scipy import stats
from typer.testing import CliRunner

from emoview.batch.inputs import Clip
from emoview.cli.main import app
from emoview.errors import InputError
from emoview.output.elan import eaf_file
from emoview.output.praat import textgrid_file
from emoview.study.figures import band_of
from emoview.study.models import effects_table, fit, holm
from emoview.study.plan import Event, PlanRow, read_events, read_plan
from emoview.study.tables import clips_table, events_table, ticks_table


def plan(folder: Path, *lines: str, head: str = "path,participant,condition,group,events") -> Path:
    for name in ("a.mp4", "b.mp4"):
        (folder / name).write_bytes(b"")
    (folder / "plan.csv").write_text("\n".join([head, *lines]) + "\n")
    return folder / "plan.csv"


def test_a_plan_is_read_with_its_further_columns_and_events(tmp_path: Path):
    (tmp_path / "marks.csv").write_text("time_s;event\n0:01,5;bang\n0,4;word\n")
    first, second = read_plan(plan(tmp_path, "a.mp4,p1,calm,x,marks.csv", "b.mp4,p1,film,y,"))
    assert (first.participant, first.condition, dict(first.further)) == ("p1", "calm", {"group": "x"})
    assert first.events == (Event("word", 0.4, 0.4), Event("bang", 1.5, 1.5))
    assert second.events == ()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["a.mp4,p1,calm,,", "missing.mp4,p1,film,,"], "line 3: 'missing.mp4' does not exist"),
        (["a.mp4,p1,calm,,", "a.mp4,p2,film,,"], "line 2: 'a.mp4' is there 2 times"),
        (["a.mp4,p1,calm,,", "./a.mp4,p2,film,,"], "line 3: './a.mp4' is there 2 times"),
        (["a.mp4,,calm,,"], "line 2: the participant is missing"),
        (["a.mp4,p1, ,,"], "line 2: the condition is missing"),
        (["a.mp4,p1,calm,,none.csv"], "line 2: the events 'none.csv' do not exist"),
        (["x.mp4,,calm,,", "y.mp4,p,,,"], "line 3: the condition is missing"),
        (["talk.json,p1,calm,,", "b.mp4,p1,film,,"], "'talk.json' does not exist"),
    ],
)
def test_all_faults_of_a_plan_are_named_before_any_work(tmp_path: Path, lines: list[str], said: str):
    with pytest.raises(InputError, match=said):
        read_plan(plan(tmp_path, *lines))


def test_a_plan_without_participants_is_none(tmp_path: Path):
    with pytest.raises(InputError, match="no column participant and no column condition"):
        read_plan(plan(tmp_path, "a.mp4,x", head="path,group"))


@pytest.mark.parametrize(
    "text",
    ["time,happens\n1,a\n", "time_s\n1\n", "time_s,event\nx,a\n", "start_s,end_s,event\n2,1,a\n", "", "\0"],
)
def test_bad_events_are_refused(tmp_path: Path, text: str):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(InputError):
        read_events(tmp_path / "e.csv")


BORIS = """Observation id,Subject,Behavior,Behavior type,Time
one,Ann,laughs,START,1.5
one,Ann,laughs,STOP,2.5
one,Ben,nods,POINT,3
"""


def test_events_come_from_tiers_of_elan_praat_and_boris(tmp_path: Path):
    (tmp_path / "boris.csv").write_text(BORIS)
    path = tmp_path / "talk.eaf"
    path.write_bytes(eaf_file(made_up(), path))
    (tmp_path / "talk.TextGrid").write_text(textgrid_file(made_up(), path))
    head = "path,participant,condition,events,tier"
    first, second = read_plan(
        plan(tmp_path, "a.mp4,p1,calm,boris.csv,one Ann", "b.mp4,p1,film,talk.eaf,face", head=head)
    )
    assert first.events == (Event("laughs", 1.5, 2.5),)
    assert second.events == (Event("happy", 0, 1.6), Event("sad", 1.6, 3.2))
    assert dict(first.further) == {}
    assert read_events(tmp_path / "talk.TextGrid", "face") == list(second.events)
    for lines in ("a.mp4,p1,calm,talk.eaf,", "a.mp4,p1,calm,talk.eaf,gaze"):
        with pytest.raises(
            InputError, match="name one in the column tier of the plan, of fused, face and voice"
        ):
            read_plan(plan(tmp_path, lines, head=head))


def rows(count: int = 2) -> list[PlanRow]:
    events = (Event("film ends", 1.6, 1.6), Event("after the end", 60.0, 61.0))
    return [
        PlanRow(
            Clip(Path(f"{i}.mp4"), f"day/{i}"),
            f"p{i % 2}",
            "=calm" if i < 2 else "film",
            {"group": "g"},
            events,
        )
        for i in range(count)
    ]


def test_tables_hold_what_the_results_do():
    results = [measured(), measured(second_face=True)]
    ticks = ticks_table(rows(), results)
    assert len(ticks) == 200
    assert list(ticks.columns[:5]) == ["clip", "participant", "condition", "group", "tick"]
    assert ticks["blink"].sum() == 12
    one = clips_table(rows(), ticks, results).set_index("clip").loc["day/0"]
    assert one["happy_peak"] == pytest.approx(0.7)
    assert one["happy_peak_s"] == 0
    assert (one["happy_segments"], one["smiles"], one["blinks"], one["usable_share"]) == (1, 1, 3, 0.75)
    assert one["happy_share"] == pytest.approx(40 / 95, abs=1e-4)
    assert one["left_out_share"] is None
    # Of 95 ticks that say something, 40 are .7 and 55 are .05.
    usual = (40 * 0.7 + 55 * 0.05) / 95
    assert one["happy_area_s"] == pytest.approx(40 * (0.7 - usual) * 0.04, abs=1e-4)
    events = events_table(rows(), ticks)
    assert len(events) == 4
    first = events.iloc[0]
    assert first["happy_before"] == pytest.approx(0.7)
    assert first["happy_change"] == pytest.approx(-0.65)
    assert (first["sad_peak"], first["sad_latency_s"]) == (pytest.approx(0.65), 0)
    assert np.isnan(events.iloc[1]["happy_change"])


def test_what_a_limit_left_out_is_told():
    result = measured()
    hidden = tuple(replace(row, face=None) if row.tick < 20 else row for row in result.timeline)
    result = replace(result, timeline=hidden, options=replace(result.options, min_quality=0.5))
    clips = clips_table(rows(1), ticks_table(rows(1), [result]), [result])
    assert clips["left_out_share"].tolist() == [0.25]


def test_a_clip_in_which_nothing_is_found_is_a_row():
    result = measured()
    nothing = replace(
        result, segments=(),
        timeline=tuple(
            replace(row, face_id=None, person=None, box=None, face=None, voice=None, fused=None, valence=None,
                    arousal=None, measures=None, voice_id=None)
            for row in result.timeline
        ),
    )  # fmt: skip
    results = [result, nothing]
    clips = clips_table(rows(), ticks_table(rows(), results), results)
    assert clips["happy_mean"].isna().tolist() == [False, True]
    assert clips["happy_segments"].tolist() == [1, 0]


def test_bands_are_over_participants():
    rng = np.random.default_rng(5)
    people = rng.normal(0, 1, (20, 1)) + np.zeros((1, 50))
    mean, low, high = band_of(people)
    assert np.allclose(mean, people.mean())
    # A person who goes on for longer is no more evidence.
    assert np.allclose(high - low, 2 * 1.96 * people[:, 0].std() / np.sqrt(20), rtol=0.1)
    alone = people.copy()
    alone[1:, 10] = np.nan
    alone[:, 11] = np.nan
    mean, low, high = band_of(alone)
    assert mean[10] == people[0, 0]
    assert np.isnan(low[10:12]).all()
    assert np.isnan(mean[11])


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


def test_the_command_runs_a_plan(tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch):
    # The figures have their own test.
    monkeypatch.setattr("emoview.study.run._figures", lambda *_: ())
    (tmp_path / "plan.csv").write_text(
        f"path,start_s,end_s,participant,condition\n{sample},0,0.6,p1,calm\n{sample},0.6,1.2,p1,film\n"
    )
    done = CliRunner().invoke(
        app, ["study", str(tmp_path / "plan.csv"), "-o", str(tmp_path / "out"), "--workers", "1"]
    )
    assert done.exit_code == 0, done.output
    clips = pandas.read_csv(tmp_path / "out" / "clips.csv")
    assert len(clips) == 2
    assert len(pandas.read_parquet(tmp_path / "out" / "ticks.parquet")) == 30
    page = (tmp_path / "out" / "study.html").read_text()
    for name in clips["clip"]:
        link = f"clips_files/{quote(name)}.html"
        assert f'<a href="{link}">' in page
        assert (tmp_path / "out" / unquote(link)).is_file()
