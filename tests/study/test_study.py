"""Studies: plans with faults, tables, and effects that are known."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
import pandas
import pytest
from made_up import made_up
from made_up_measures import measured
from typer.testing import CliRunner

from emoview.batch.inputs import Clip
from emoview.cli.main import app
from emoview.errors import InputError
from emoview.output.elan import eaf_file
from emoview.output.praat import textgrid_file
from emoview.study import tables
from emoview.study.codebook import column_of
from emoview.study.figures import band_of, people_of
from emoview.study.limits import left_out
from emoview.study.models import _measures
from emoview.study.plan import Event, PlanRow, read_events, read_plan
from emoview.study.run import refuse_foreign, write_tables
from emoview.study.tables import FOLLOWED, clips_table, events_table, ticks_table
from emoview.timeline.labels import LABELS, LabelCount, Naming, group_of
from emoview.timeline.results import Analysis, Speaker


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
        (
            ["a.mp4,p1,calm,,,more", "b.mp4,p1,film,,"],
            "faults: line 2: there are 6 cells but 5 columns[^;]*$",
        ),
        (["a.mp4,p1,calm,,", "b.mp4,P1,film,,"], "line 3: the participant 'P1' was 'p1' before"),
        (["a.mp4,p1,old  film,,", "b.mp4,p1,old film,,"], "line 3: the condition"),
        (["a.mp4,Jos\u00e9,calm,,", "b.mp4,Jose\u0301,film,,"], "line 3: the participant"),
    ],
)
def test_all_faults_of_a_plan_are_named_before_any_work(tmp_path: Path, lines: list[str], said: str):
    with pytest.raises(InputError, match=said):
        read_plan(plan(tmp_path, *lines))


@pytest.mark.parametrize("kind", ["s3://", "https://", "rtsp://me:secret@", "file://"])
def test_addresses_in_a_plan_are_refused_in_one_sentence(tmp_path: Path, kind: str):
    lines = [f"{kind}a/{i}.mp4,p{i},calm,," for i in range(12)]
    with pytest.raises(
        InputError, match=r"names addresses .* in lines 2, .*, 11 and 2 more: a study takes"
    ) as told:
        read_plan(plan(tmp_path, *lines))
    assert "secret" not in str(told.value)
    with pytest.raises(InputError, match=r"names addresses \(s3://\) in line 3"):
        read_plan(plan(tmp_path, "a.mp4,p1,calm,,", "b.mp4,p1,film,,s3://a/e.csv"))


def test_a_plan_may_be_written_on_windows_and_has_no_column_twice(tmp_path: Path):
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "c.mp4").write_bytes(b"")
    (tmp_path / "day" / "e.csv").write_text("time_s,event\n1,bang\n")
    (row,) = read_plan(plan(tmp_path, "day\\c.mp4,p1,calm,x,day\\e.csv"))
    assert row.events == (Event("bang", 1, 1),)
    with pytest.raises(InputError, match="columns 'Participant' and 'participant'"):
        read_plan(plan(tmp_path, "a.mp4,x,p1,calm", head="path,Participant,participant,condition"))


def test_a_plan_without_participants_is_none(tmp_path: Path):
    with pytest.raises(InputError, match="no column participant and no column condition"):
        read_plan(plan(tmp_path, "a.mp4,x", head="path,group"))


@pytest.mark.parametrize(
    "text",
    ["Subject,Behavior,Behavior type,Time\nA,laughs,START,1\nA,laughs,START,2\nA,laughs,STOP,3\n",
     "time,happens\n1,a\n", "time_s\n1\n", "time_s,event\nx,a\n", "start_s,end_s,event\n2,1,a\n", "", "\0"],
)  # fmt: skip
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


def test_how_files_of_events_were_understood_is_told(tmp_path: Path):
    (tmp_path / "marks.csv").write_text("Time,Time offset (s),Behavior\n6.5,5,bang\n")
    notes: list[str] = []
    lines = "a.mp4,p1,calm,x,marks.csv", "b.mp4,p1,film,y,marks.csv"
    assert all(row.events == (Event("bang", 1.5, 1.5),) for row in read_plan(plan(tmp_path, *lines), notes))
    (note,) = notes
    assert "a time offset of 5" in note


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


def silent() -> Analysis:
    result = measured()
    return replace(
        result, segments=(),
        timeline=tuple(
            replace(row, face_id=None, person=None, box=None, face=None, voice=None, fused=None, valence=None,
                    arousal=None, measures=None, voice_id=None)
            for row in result.timeline
        ),
    )  # fmt: skip


def test_a_clip_in_which_nothing_is_found_is_a_row_and_is_told():
    results = [measured(), silent()]
    clips = clips_table(rows(), ticks_table(rows(), results), results)
    said = " ".join(left_out(rows(), results, clips, pandas.DataFrame()))
    assert "No tick has a label in clip day/1:" in said
    assert "2 of 4 events lie behind the end of the clip, with empty rows" in said
    assert "first second" not in said
    early = [replace(row, events=(Event("a", 0.4, 0.4), Event("b", 1.0, 1.0))) for row in rows()]
    said = " ".join(left_out(early, results, clips, pandas.DataFrame()))
    assert "2 events lie in the first second of clips day/0, day/1, and are held against" in said
    assert clips["happy_mean"].isna().tolist() == [False, True]
    assert clips["happy_segments"].tolist() == [1, 0]
    # Of a face of which nothing is said, nobody knows whether it smiles.
    assert clips["smiles"].isna().tolist() == [False, True]


def test_all_columns_of_a_clip_are_about_the_same_person():
    result = measured(second_face=True)
    other = tuple(
        replace(row, face=(0, 0, 0, 0, 1, 0, 0)) if row.person == 1 else row for row in result.timeline
    )
    results = [replace(result, timeline=other)]
    one = clips_table(rows(1), ticks_table(rows(1), results), results).iloc[0]
    assert (one["smiles"], one["fear_segments"], one["fear_share"]) == (1, 0, 0)
    assert one["label"] == result.overall.label
    # The overall result is that of the other one, who speaks.
    asked = replace(result.options, face="all")
    results = [replace(results[0], options=asked, speakers=(Speaker(0, 2.0, 1),))]
    one = clips_table(rows(1), ticks_table(rows(1), results), results).iloc[0]
    assert one["label"] is None


def test_the_voice_of_a_clip_is_that_of_who_is_seen():
    result = measured(second_face=True)

    def pitch(speaks: int | None) -> float | None:
        timeline = tuple(
            replace(
                row, speaking=speaks is not None and row.person == speaks,
                fused=row.fused if row.face_id is not None or speaks == 0 else None,
            )
            for row in result.timeline
        )  # fmt: skip
        results = [replace(result, timeline=timeline)]
        return clips_table(rows(1), ticks_table(rows(1), results), results).iloc[0]["pitch_hz"]

    # Where only the other face speaks, there is none; where no face does, it is whoever is heard.
    assert pitch(0) is not None
    assert pitch(1) is None
    assert pitch(None) is not None


def test_conditions_with_longer_clips_are_told():
    results = [measured(), measured()]
    media = replace(results[1].media, duration_s=9.0)
    results[1] = replace(results[1], media=media)
    plan = [
        replace(row, condition=name, events=()) for row, name in zip(rows(), ("calm", "film"), strict=True)
    ]
    clips = clips_table(plan, ticks_table(plan, results), results)
    said = left_out(plan, results, clips, pandas.DataFrame())
    assert "Clips under film last longer (9.0 s on average) than those under calm (4.0 s)." in " ".join(said)


@pytest.mark.parametrize(
    ("count", "columns"),
    [(3, {"positive": "positive", "neutral": "neutral_surprise", "negative": "negative"}),
     (2, {"positive": "positive", "other": "other"})],
)  # fmt: skip
def test_groups_of_labels_have_shares_in_place_of_the_seven(count: LabelCount, columns: Mapping[str, str]):
    naming = Naming(count)
    result = measured()
    result = replace(
        result, options=replace(result.options, labels=count),
        timeline=tuple(replace(row, naming=naming) for row in result.timeline),
        segments=tuple(
            replace(one, label=group_of(one.label, count)) for one in result.segments if one.label in LABELS
        ),
    )  # fmt: skip
    ticks = ticks_table(rows(1), [result])
    one = clips_table(rows(1), ticks, [result]).iloc[0]
    assert one[["neutral_share", "happy_share", "neutral_segments"]].isna().all()
    assert one["happy_mean"] > 0
    said = ticks["label"].dropna()
    for group, column in columns.items():
        assert one[f"{column}_share"] == (said == group).mean()
        members = naming.members(group)
        assert one[f"{column}_mean"] == pytest.approx(sum(one[f"{name}_mean"] for name in members), abs=1e-4)
        assert one[f"{column}_segments"] == sum(part.label == group for part in result.segments)
        assert column_of("clips.csv", f"{column}_share").unit == "share"
    assert sum(one[f"{column}_share"] for column in columns.values()) == pytest.approx(1)
    assert sum(one[f"{column}_segments"] for column in columns.values()) > 0
    assert not any(name.startswith("positive") for name in clips_table(rows(1), ticks, [measured()]))
    # What is the same in other words is not compared twice.
    compared = set(_measures(clips_table(rows(1), ticks, [result])))
    assert {"happy_mean", "positive_share"} <= compared
    assert compared.isdisjoint({"positive_mean", "other_mean", "other_share"})

    script = Path(tables.__file__).with_name("scripts") / "analysis.py"
    again = runpy.run_path(str(script))["labels_of_clips"](ticks).iloc[0]
    made = [f"{column}_{end}" for column in columns.values() for end in ("mean", "share")]
    assert again[made].to_numpy(float) == pytest.approx(one[made].to_numpy(float))


def test_columns_of_the_plan_keep_their_values_whatever_their_names():
    further = {"person": "x", "seconds": "y", "label": "z", "plan_label": "w", "au12": "v", "age": "30"}
    plan = [replace(rows(1)[0], further=further)]
    ticks = ticks_table(plan, [measured()])
    assert len(set(ticks.columns)) == len(ticks.columns)
    one = clips_table(plan, ticks, [measured()]).iloc[0]
    names = ["plan_person", "plan_seconds", "plan_plan_label", "plan_label", "plan_au12", "age"]
    assert one[names].tolist() == ["x", "y", "z", "w", "v", "30"]


def test_a_folder_with_other_files_is_refused_and_old_tables_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("emoview.study.run._figures", lambda *_: ())
    for name in ("clips.csv", "plan.csv"):
        (tmp_path / name).write_text("a plan")
    for plan in (tmp_path / "clips.csv", tmp_path / "plan.csv"):
        with pytest.raises(InputError, match="would be overwritten"):
            refuse_foreign(plan, tmp_path)
    folder = tmp_path / "out"
    refuse_foreign(tmp_path / "clips.csv", folder)
    write_tables(rows(), [measured()] * 2, folder)
    refuse_foreign(tmp_path / "clips.csv", folder)
    assert (folder / "events.dta").is_file()
    write_tables([replace(row, events=()) for row in rows()], [measured()] * 2, folder)
    assert not [*folder.glob("events*")]


def test_long_clips_are_drawn_to_their_end():
    seconds, people = people_of(
        rows(1),
        pandas.DataFrame({"clip": "day/0", "tick": range(20000), **dict.fromkeys(FOLLOWED, 0.5)}),
        "=calm",
    )
    assert seconds[-1] > 799
    assert len(seconds) <= 1500
    assert np.isfinite(people).all()


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
