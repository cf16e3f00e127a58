"""SEMAINE, made here: sessions, traces of several raters, and the faces of its videos."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Make
from made_data import refused, write
from trained import quiet, trained

from emoview import InputError
from emoview.datasets.affect import read_affect
from emoview.datasets.overview import overview
from emoview.datasets.semaine import read_semaine, read_trace
from emoview.evaluation.affect import evaluate_affect
from emoview.networks.runs import networks_of, read_metrics
from emoview.training.affect_frames import open_affect


def trace(values: list[float], step_s: float = 0.02) -> str:
    return "".join(f"{step_s * (i + 1):.2f} {value}\n" for i, value in enumerate(values))


def session(folder: Path, video: Path, number: int, role: str = "User", **traces: str) -> Path:
    """Make a session of subject `number`, with traces by rater, dimension and target, such as `R1V`."""
    place = folder / "Sessions" / str(number)
    for name, text in traces.items():
        write(place / f"{name[:-1]}S1T{role[0]}CPoD{name[-1]}.txt", text)
    shutil.copy(video, place / f"2008.12.05.16.03.15_{role} HeadFace_Poppy.avi.mp4")
    write(place / "session.xml", f'<session><subject role="{role}" id="{number}"/></session>')
    return place


@pytest.fixture
def clip(made: Make) -> Path:
    return made("plain.mp4", seconds=2.0)


def test_raters_are_averaged_at_each_time_as_long_as_they_rate(tmp_path: Path, clip: Path):
    session(
        tmp_path, clip, 1, R1V=trace([0.4] * 100), R2V=trace([0.0] * 50), R10V=trace([-0.1] * 75),
        R1A=trace(np.linspace(-1, 1, 100).tolist()),
    )  # fmt: skip
    (recording,) = read_semaine(tmp_path)
    assert (recording.name, recording.person) == ("1-User", "subject 1")
    times = np.array([0.0, 0.5, 1.3, 1.9, 2.5])
    values = recording.values(times)
    np.testing.assert_allclose(values[:4, 0], [0.1, 0.1, 0.15, 0.4], atol=1e-6)
    assert np.isnan(values[4]).all()
    # Between two lines there is a straight line.
    np.testing.assert_allclose(recording.values(np.array([0.51, 0.53]))[:, 1], [-0.5051, -0.4848], atol=1e-3)


def test_one_frame_of_ten_with_the_face_cut_out(tmp_path: Path, clip: Path):
    session(tmp_path, clip, 1, R1V=trace([0.5] * 60), R1A=trace([-0.5] * 100))
    session(tmp_path, clip, 2, "Operator", R1V=trace([-0.25] * 100), R1A=trace([0.25] * 100))
    affect = open_affect(tmp_path, tmp_path / "frames", quiet)
    # At 25 pictures a second every tenth, as long as both are rated; the first trace ends after 1.2 s.
    names = [f"{frame.parent.name}/{frame.name}" for frame in affect.frames]
    assert names == [f"1-User/{i:06d}.jpg" for i in range(0, 40, 10)] + [
        f"2-Operator/{i:06d}.jpg" for i in range(0, 50, 10)
    ]
    assert affect.videos == ("subject 1",) * 4 + ("subject 2",) * 5
    np.testing.assert_allclose(affect.values[[0, -1]], [[0.5, -0.5], [-0.25, 0.25]])
    face = affect.picture(0)
    # The face with a margin, of a picture of 480 pixels.
    assert face.shape[0] == face.shape[1]
    assert 100 < face.shape[0] < 400
    (held,) = overview(tmp_path)
    assert (held.layout, held.total, held.people) == ("semaine", {"frames": 9}, ("people", 2))
    # What is there is not made again; the folder itself is a data set.
    before = affect.frames[0].stat().st_mtime_ns
    again = open_affect(tmp_path, tmp_path / "frames", quiet)
    assert again.frames[0].stat().st_mtime_ns == before
    assert len(read_affect(affect.frames[0].parents[1])) == 9


def test_the_system_learns_from_videos_and_is_measured_on_others(tmp_path: Path, clip: Path, made: Make):
    data, other = tmp_path / "one", tmp_path / "other"
    for number in (1, 2):
        session(data, clip, number, R1V=trace([0.1 * number] * 100), R1A=trace([0.2] * 100))
    later = made("later.mp4", "-ss", "1", seconds=2.0)
    session(other, later, 3, R1V=trace([0.1] * 100), R1A=trace([0.2] * 100))
    run = trained(
        "valence-arousal", data, tmp_path / "run", network="bkmin", size=42, batch=4,
        test=str(other), plan={"epochs": 1},
    )  # fmt: skip
    assert networks_of(run)[0].labels == ("valence", "arousal")
    assert read_metrics(run)["bkmin, valence"]["examples"] == 5
    with pytest.raises(InputError, match="learned from"):
        evaluate_affect(str(run), data, on_event=quiet)


def test_what_does_not_fit_is_named(tmp_path: Path, clip: Path):
    place = session(tmp_path, clip, 7, R1V=trace([0.1]), R1A=trace([0.1]))
    for text, line in (("0.02 0.1\n0.02 0.2\n", 2), ("0.02\n", 1), ("0.02 1.5\n", 1), ("\nx 0.1\n", 2)):
        file = write(place / "R1S1TUCPoDV.txt", text)
        with refused(file.name, f"line {line}", "between -1 and 1"):
            read_trace(file)
    with refused("R1S1TUCPoDV.txt", "empty"):
        read_trace(write(place / "R1S1TUCPoDV.txt", "\n"))
    write(place / "session.xml", "<session>")
    with refused("session.xml", "XML"):
        read_semaine(tmp_path)
    (place / "session.xml").unlink()
    # Whoever is not named is told by the recording.
    assert read_semaine(tmp_path)[0].person == "2008.12.05.16.03.15 User"
    (video,) = place.glob("*.mp4")
    shutil.copy(video, place / "2008.12.05.16.03.15_User Profile.mp4")
    with refused(str(place), "2 videos", "front"):
        read_semaine(tmp_path)
    for file in place.glob("*.mp4"):
        file.unlink()
    with refused(str(place), "no video"):
        read_semaine(tmp_path)
    (place / "R1S1TUCPoDV.txt").unlink()
    with refused("no session"):
        read_semaine(tmp_path)
