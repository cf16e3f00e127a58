"""What a study writes for people: figures, the page, the codebook, and scripts that reproduce it."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from browser import Browser
from made_up_measures import measured
from made_up_tables import feat, openface

from emoview.batch.inputs import Clip
from emoview.common.files import write_whole
from emoview.imports.result import imported
from emoview.output.json import to_json
from emoview.output.plot import drawn
from emoview.study.around import counts_of_events, events_figure, names_of_events
from emoview.study.codebook import codebook
from emoview.study.figures import both_forms, curves_figure, people_of, shortened, wrapped
from emoview.study.limits import left_out
from emoview.study.models import effects_table
from emoview.study.page import _conditions
from emoview.study.plan import Event, PlanRow, read_plan
from emoview.study.run import analyse_plan, conclude, write_tables
from emoview.study.spread import grid_figure, raincloud_figure
from emoview.study.synchrony import comparable, correlations, synchrony_figure
from emoview.study.tables import FOLLOWED, clips_table, events_table, followed_in, ticks_table
from emoview.study.words import chance_of, findings, number_of
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis

NASTY = "=1+1 <b>&"


def made(people: int = 4) -> tuple[list[PlanRow], list[Analysis]]:
    """Everybody under two conditions, twice; the film makes happy by a little more in each."""
    rng = np.random.default_rng(0)
    rows, results = [], []
    base = measured()
    for person in range(people):
        for clip in range(4):
            name = NASTY if clip % 2 else "calm"
            rows.append(
                PlanRow(
                    Clip(Path("a.mp4"), f"{NASTY}{person}/{clip}"),
                    f"p{person}",
                    name,
                    {},
                    (Event("x", 1, 1),),
                )
            )
            more = 0.3 * (clip % 2) + rng.uniform(0, 0.05)

            def happier(one, more=more):
                # Of the seven the first is neutral, the fifth happy.
                return (
                    None if one is None else (one[0] + 0.3 - more, *one[1:4], one[4] - 0.3 + more, *one[5:])
                )

            timeline = tuple(
                replace(row, face=happier(row.face), fused=happier(row.fused) if row.tick < 40 else row.fused)
                for row in base.timeline
            )
            results.append(replace(base, timeline=timeline))
    return rows, results


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study without its figures, which have their own test."""
    folder = tmp_path_factory.mktemp("made")
    rows, results = made()
    patch = pytest.MonkeyPatch()
    pixel = {
        ".png": b"\x89PNG" * 99,
        ".svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>",
    }
    patch.setattr("emoview.study.run._figures", lambda *_: [("curves", pixel)])
    links = {f"{NASTY}0/0": "clips_files/a%20b.html"}
    write_tables(rows, results, folder, links=links, failures=["talk.mp4: <i>broken</i>"])
    patch.undo()
    return folder


def test_every_figure_is_drawn():
    rows, results = made(3)
    ticks = ticks_table(rows, results)
    clips = clips_table(rows, ticks, results)
    for make in (
        lambda: events_figure(rows, ticks),
        lambda: raincloud_figure(clips, ["calm", NASTY], FOLLOWED[:2]),
        lambda: synchrony_figure(rows, comparable(rows, ticks), FOLLOWED[:2]),
    ):
        picture = drawn(make, Path("figure.svg")).decode()
        # Text is drawn, and named in comments alone.
        assert "calm" in picture
        assert "<b>" not in re.sub(r"<!--.*?-->", "", picture, flags=re.DOTALL)
    assert len(curves_figure(rows, ticks).axes) == 9
    forms = both_forms(lambda: grid_figure(ticks, ["calm", NASTY]))
    assert list(forms) == [".png", ".svg"]
    assert forms[".png"].startswith(b"\x89PNG")
    assert forms[".svg"].startswith(b"<?xml")


def test_the_grid_shows_shares_of_the_label_that_leads():
    rows, results = made(2)
    figure = grid_figure(ticks_table(rows, results), ["calm"])
    (axis,) = figure.axes
    assert [text.get_text() for text in axis.get_yticklabels()] == ["p0", "p1"]
    widths = np.array([[bar.get_width() for bar in bars] for bars in axis.containers])
    assert widths.sum(axis=0) == pytest.approx([1, 1])
    # Of 95 ticks, 40 are of the happy face, which are neutral or happy; 40 sad, 15 neutral.
    assert widths[5] == pytest.approx([40 / 95] * 2)
    # As in the table, the time in which a label is uncertain counts, and is that of no label.
    ticks = ticks_table(rows, results)
    ticks.loc[ticks["label"] == "sad", "label"] = "uncertain"
    (axis,) = grid_figure(ticks, ["calm"]).axes
    widths = np.array([[bar.get_width() for bar in bars] for bars in axis.containers])
    assert widths.sum(axis=0) == pytest.approx([55 / 95] * 2)
    assert widths[5] == pytest.approx([0, 0])


def test_a_raincloud_has_a_dot_a_participant():
    rows, results = made(5)
    ticks = ticks_table(rows, results)
    figure = raincloud_figure(clips_table(rows, ticks, results), ["calm", NASTY])
    happy = next(axis for axis in figure.axes if axis.get_title() == "happy")
    dots = [c for c in happy.collections if len(c.get_offsets()) == 5]
    assert len(dots) == 2
    calm, film = (np.asarray(c.get_offsets())[:, 0].mean() for c in dots)
    assert film - calm == pytest.approx(0.3 * 40 / 95, abs=0.03)


def test_participants_who_move_together_agree_and_others_do_not():
    rng = np.random.default_rng(1)
    seconds = np.arange(300) * 0.2
    shared = np.sin(seconds)
    together = shared + 0.1 * rng.normal(size=(12, 300))
    alone = rng.normal(size=(12, 300))
    middles, mean, low, high = correlations(seconds, np.where(seconds < 30, together, alone))
    assert middles[0] == pytest.approx(5)
    assert mean[0] > 0.95
    assert low[0] > 0.9
    assert abs(mean[-1]) < 0.1
    assert low[-1] < 0 < high[-1] + 0.05
    # A duplicate of oneself is no agreement, and who does not move says nothing.
    still = together.copy()
    still[2:] = 0.5
    assert np.isnan(correlations(seconds, still)[1]).all()


def test_the_band_of_agreement_covers_that_of_the_population():
    rng = np.random.default_rng(2)
    covered = []
    seconds = np.arange(50) * 0.2
    for _ in range(60):
        # Each follows the film by a weight of their own, in the first of windows that are 2 s long.
        film = rng.normal(size=50)
        film = (film - film[:10].mean()) / film[:10].std()
        weights = rng.uniform(0.5, 5, (20, 1))
        _, _, low, high = correlations(seconds, weights * film + rng.normal(size=(20, 50)))
        many = rng.uniform(0.5, 5, 500)[:, None] * film[:10] + rng.normal(size=(500, 10))
        true = (np.corrcoef(many).sum() - 500) / (500 * 499)
        covered.append(low[0] <= true <= high[0])
    assert np.mean(covered) >= 0.85


def test_the_page_is_whole_escaped_and_says_what_was_found(written: Path):
    page = (written / "study.html").read_text()
    assert "<b>&" not in page
    assert "<i>broken" not in page
    assert "talk.mp4: &lt;i&gt;broken" in page
    assert '<a href="clips_files/a%20b.html">' in page
    assert re.search(
        r"happy_mean \(mean probability of happy, in face and voice together\): in "
        r"=1\+1 &lt;b&gt;&amp; 0\.1\d+ higher",
        page,
    )
    assert "16 clips of 4 participants under 2 conditions" in page
    outside = re.findall(r'(?:src|href)="(?!data:|[\w%./-]+")([^"]*)"', page)
    assert outside == []
    assert len(re.findall(r"75\s%", page)) >= 3


def test_the_page_opens_without_complaints_on_a_phone(written: Path, browser: Browser):
    browser.errors.clear()
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.call("Emulation.setDeviceMetricsOverride", **size)
    browser.call("Page.navigate", url=(written / "study.html").as_uri())
    browser.wait("document.readyState === 'complete' && document.images.length > 0")
    assert browser.run("document.documentElement.scrollWidth") <= 390
    assert browser.run("[...document.images].every(one => one.naturalWidth > 0)")
    assert browser.errors == []
    browser.call("Emulation.clearDeviceMetricsOverride")


def test_the_codebook_knows_every_column(written: Path):
    book = pandas.read_csv(written / "codebook.csv")
    assert set(book["table"]) == {"ticks.parquet", "clips.csv", "events.csv", "effects.csv"}
    assert not (book["meaning"] == "Column of the plan").any()
    clips = set(pandas.read_csv(written / "clips.csv").columns)
    assert set(book.loc[book["table"] == "clips.csv", "column"]) == clips
    frames = {"clips.csv": pandas.DataFrame(columns=["age", "au12_mean", "happy_peak_s"])}
    assert codebook(frames)["meaning"].tolist() == [
        "Column of the plan",
        "Mean of action unit 12, as the program that was imported from gives it",
        "Time of the largest probability of happy",
    ]


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


def test_the_python_script_makes_tables_and_models_again(
    written: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    done = run(sys.executable, "-I", folder / "analysis.py")
    assert done.returncode == 0, done.stdout + done.stderr
    again, stored = (pandas.read_csv(folder / name) for name in ("effects-again.csv", "effects.csv"))
    assert len(again) == len(stored) >= 5
    wrong = (folder / "effects.csv").read_text().replace(f"{stored['effect'][0]:.6g}", "0.123456", 1)
    (folder / "effects.csv").write_text(wrong)
    assert runpy.run_path(str(folder / "analysis.py"))["main"]() == 1
    assert "different: effect" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="no R")
def test_the_r_script_makes_the_models_again(written: Path, tmp_path: Path):
    shutil.copytree(written, tmp_path / "copy")
    done = run("Rscript", tmp_path / "copy" / "analysis.R")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_plan_may_name_results_that_were_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.study.run._figures", lambda *_: ())
    for name in ("a", "b"):
        write_whole(tmp_path / f"{name}.json", to_json(imported(feat(tmp_path / "f.csv"), rate=25)))
    plan = tmp_path / "plan.csv"
    plan.write_text("path,participant,condition\na.json,p1,calm\nb.json,p2,film\n")
    rows, folder = read_plan(plan), tmp_path / "out"
    report = analyse_plan(rows, folder, Options())
    done = conclude(rows, folder, report, reports=False)
    clips = pandas.read_csv(tmp_path / "out" / "clips.csv")
    assert clips["happy_peak"].tolist() == [0.9, 0.9]
    assert clips["au12_mean"].tolist() == [0.75, 0.75]
    assert (report.clips, done.left_out) == (0, ())
    assert "2 of 2 results were imported from py-feat" in (tmp_path / "out" / "study.html").read_text()


def test_without_labels_action_units_are_followed(tmp_path: Path):
    rows, _ = made(2)
    result = imported(openface(tmp_path / "o.csv", 60, lambda i: {"AU12_r": 3.0 if i >= 30 else 1.0}))
    results = [result] * len(rows)
    ticks = ticks_table(rows, results)
    assert followed_in(ticks) == ("au01", "au12", "au45")
    assert events_table(rows, ticks)["au12_change"].tolist() == [2.0] * len(rows)
    figure = raincloud_figure(clips_table(rows, ticks, results), ["calm"], followed_in(ticks))
    titles = [axis.get_title() for axis in figure.axes if axis.get_visible()]
    assert titles == ["au01", "au12", "au45"]
    titles = [axis.get_title() for axis in events_figure(rows, ticks).axes]
    assert titles[:3] == ["au01", "au12", "au45"]


def with_events(rows: list[PlanRow], *names: str) -> list[PlanRow]:
    return [
        replace(row, events=tuple(Event(name, 1 + i, 1 + i) for i, name in enumerate(names))) for row in rows
    ]


def test_each_name_of_events_has_a_column_of_its_own():
    rows, results = made(3)
    # What comes later is in fewer clips, and the last behind the end.
    rows = [
        replace(row, events=row.events[: 6 - i % 6]) for i, row in enumerate(with_events(rows, *"abcdef"))
    ]
    ticks = ticks_table(rows, results)
    assert names_of_events(rows) == [*"abcdef"]
    figure = events_figure(rows, ticks)
    assert len(figure.axes) == 9 * 4
    assert [axis.get_title().split("\n")[0] for axis in figure.axes[:4]] == [*"abcd"]
    assert figure.axes[0].get_title() == "a\n(participants: 3, 3)"
    # No curve where nobody is: "d" lies behind the end.
    assert [len(axis.lines) for axis in figure.axes[:4]] == [3, 3, 3, 1]
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {"calm", NASTY}
    # A column of the plan says nothing of the events.
    plan = [replace(row, further={"mood_change": "none"}) for row in rows]
    counts = counts_of_events(events_table(plan, ticks)).set_index(["event", "condition"])
    assert counts.loc[("a", "calm")].tolist() == [6, 6, 3]
    assert counts.loc[("f", "calm")].tolist() == [2, 0, 0]
    assert len(events_figure(with_events(rows, "one"), ticks).axes) == 9


def test_curves_of_one_event_are_not_moved_by_another():
    rows, results = made(2)
    ticks = ticks_table(rows, results)
    alone = people_of(rows=with_events(rows, "x"), ticks=ticks, condition="calm", event="x")[1]
    both = people_of(rows=with_events(rows, "x", "y"), ticks=ticks, condition="calm", event="x")[1]
    assert np.array_equal(alone, both, equal_nan=True)
    assert people_of(rows, ticks, "calm", event="none")[1].shape[1] == 0


def test_names_are_drawn_as_they_are_and_long_ones_broken():
    rows, results = made(2)
    other = {"calm": "from $5 to $6 \\frac", NASTY: "a very long name of a condition " * 9}
    rows = [replace(row, condition=other[row.condition]) for row in rows]
    ticks = ticks_table(rows, results)
    picture = drawn(lambda: curves_figure(rows, ticks), Path("figure.svg")).decode()
    assert "from $5 to $6" in picture
    assert max(len(line) for line in wrapped(other[NASTY], 36).split("\n")) <= 37
    assert len(wrapped(other[NASTY], 36).split("\n")) == 3
    assert shortened("x" * 99) == f"{'x' * 12}…{'x' * 12}"
    assert len(grid_figure(ticks, list(other.values())).axes) == 2


def test_what_could_be_used_is_a_share_of_the_time_with_a_face():
    clips = pandas.DataFrame({
        "participant": ["a", "b", "b"], "condition": ["x", "x", "y"], "seconds": [10.0, 100.0, 5.0],
        "face_share": [1.0, 0.1, None], "usable_share": [1.0, 0.0, None], "left_out_share": [None, 0.5, None],
    })  # fmt: skip
    first, second, whole = _conditions(clips)
    assert first["face_share"] == pytest.approx(20 / 110)
    assert (first["usable_share"], first["left_out_share"]) == (pytest.approx(0.5), 0.5)
    assert [second[f"{what}_share"] for what in ("face", "usable", "left_out")] == [None] * 3
    assert whole["usable_share"] == pytest.approx(0.5)


def test_letters_without_a_font_are_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.output.fonts.families", lambda: ("DejaVu Sans",))
    rows, results = made(1)
    rows = [replace(row, participant="José 笑") for row in rows]
    clips = clips_table(rows, ticks_table(rows, results), results)
    (said,) = (one for one in left_out(rows, results, clips, pandas.DataFrame()) if "font" in one)
    assert "has 笑: figures show boxes" in said


def test_findings_are_plain_words():
    rng = np.random.default_rng(3)
    people, film = np.repeat(np.arange(10), 4), np.tile([0, 1], 20)
    clips = pandas.DataFrame({
        "participant": people, "condition": np.where(film, "film", "calm"),
        "blinks_per_min": 12 - 6 * film + rng.normal(size=40), "sad_mean": rng.normal(0.2, 0.05, 40),
    })  # fmt: skip
    sentences, whole = findings(effects_table(clips))
    assert whole.startswith("1 of 2 comparisons stands after the correction")
    assert re.match(
        r"blinks_per_min \(blinks a minute in which the eyes are seen\): in film [56]\.\d+ 1/min lower "
        r"than in calm; 95 % interval from −\d.* to −\d.*; 40 clips of 10 participants; p below 0\.001, "
        r"corrected below 0\.001; paired test of 10 participants: p below 0\.001, corrected below 0\.001$",
        sentences[0],
    )
    assert "*" not in sentences[0]
    assert whole.endswith("in it 1 of 1 stands after the correction.")
    none, whole = findings(effects_table(clips[["participant", "condition", "sad_mean"]]))
    assert none == []
    assert "does not show that the conditions are alike" in whole
    assert [number_of(v) for v in (-0.01234, 1234.5, 2.0)] == ["−0.0123", "1234", "2"]
    assert [chance_of(v) for v in (1e-5, 0.0312, 0.5)] == ["below 0.001", "0.031", "0.50"]


def test_the_scripts_take_names_that_other_programs_take_for_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("emoview.study.run._figures", lambda *_: ())
    rows, results = made(6)
    other = {"calm": "None", "p1": "NA", "p2": "007"}
    rows = [
        replace(
            row,
            condition=other.get(row.condition, row.condition),
            participant=other.get(row.participant, row.participant),
        )
        for row in rows
    ]
    write_tables(rows, results, tmp_path)
    assert len(pandas.read_csv(tmp_path / "effects.csv")) >= 5
    programs = [[sys.executable, "-I", tmp_path / "analysis.py"]]
    programs += [["Rscript", tmp_path / "analysis.R"]] if shutil.which("Rscript") else []
    for program in programs:
        done = run(*program)
        assert done.returncode == 0, done.stdout + done.stderr
