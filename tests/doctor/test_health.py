"""What doctor and weights say of a whole installation, and of a broken one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from emoview.doctor import checks as doctor
from emoview.doctor.licences import ffmpeg_terms
from emoview.media.probe import probe
from emoview.media.tool import tool
from emoview.networks import weights
from tools.lock import group


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emoview", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "100"}, timeout=240,
    )  # fmt: skip


@pytest.fixture
def damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the weights with one file changed and one missing."""
    folder = tmp_path / "weights"
    shutil.copytree(weights.weights_folder(), folder)
    with (folder / "face_gru.weights.h5").open("ab") as file:
        file.write(b"x")
    (folder / "fusion.json").unlink()
    monkeypatch.setattr(weights, "_PACKAGED", folder)
    return folder


def test_doctor_finds_everything_here():
    done = _run("doctor", "--no-self-test", "--json", "-")
    assert done.returncode == 0, done.stdout
    report = json.loads(done.stdout)
    assert report["healthy"]
    found = {check["name"]: check for check in report["checks"]}
    assert set(found) >= {"python", "packages", "ffmpeg", "fonts", "weights", "cv2", "opensmile", "networks"}
    assert "onnx on cpu" in found["networks"]["found"]
    assert all(check["cure"] is None for check in found.values())
    assert "audEERING" in found["licences"]["found"]
    assert "non-commercial" in found["licences"]["found"]
    assert "ffmpeg: GPL version" in found["licences"]["found"] or shutil.which("ffmpeg")


@pytest.mark.parametrize(
    ("options", "terms"),
    [
        (
            "--enable-gpl --enable-version3",
            "GPL version 3 or later (built with --enable-gpl --enable-version3)",
        ),
        ("--enable-gpl --enable-libx264", "GPL version 2 or later (built with --enable-gpl)"),
        ("--enable-version3", "LGPL version 3 or later (built with --enable-version3)"),
        ("--disable-gpl --enable-gplish", "LGPL version 2.1 or later"),
        ("--enable-gpl --enable-nonfree", "must not be passed on (built with --enable-gpl --enable-nonfree)"),
    ],
)
def test_the_licence_of_an_ffmpeg_is_that_of_its_build(options: str, terms: str):
    assert ffmpeg_terms(f"ffmpeg version 7.1\nconfiguration: --prefix=/usr {options}\n") == terms


def test_the_self_test_needs_no_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_SAMPLE", tmp_path / "none.mp4")
    check = doctor._self_test()
    assert check.right, check.found
    assert "test pattern" in check.found
    assert "50 ticks" in check.found or "51 ticks" in check.found


def test_a_library_that_does_not_import_comes_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')\n"
    )
    (tmp_path / "opensmile.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.syspath_prepend(tmp_path)
    check = doctor._import("cv2")
    assert not check.right
    assert "libGL.so.1" in check.found
    assert "apt install libgl1" in check.cure
    check = doctor._import("opensmile")
    assert "signal 4" in check.found
    assert "AVX" in check.cure
    assert "no_such_library" in doctor._import("no_such_library").cure


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 3\n", "#!/bin/sh\necho hello\n", "not a program"])
def test_instead_of_an_ffmpeg_that_does_not_run_the_packaged_one_is_used(
    tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch, script: str
):
    fake = tmp_path / "ffmpeg"
    fake.write_text(script)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    tool.cache_clear()
    try:
        assert probe(sample).video is not None
        check = doctor._ffmpeg()
        assert check.right
        assert f"{fake} does not run" in check.found
        monkeypatch.setattr("emoview.media.tool._packaged", lambda: None)
        tool.cache_clear()
        check = doctor._ffmpeg()
    finally:
        tool.cache_clear()
    assert not check.right
    assert "apt install ffmpeg" in check.cure


def test_missing_and_mismatched_packages(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_PACKAGES", (*doctor._PACKAGES, "no-such-package"))
    assert doctor._packages().cure.startswith("pip install no-such-package")
    monkeypatch.undo()
    there, versions = doctor._version, {"pandas": "3.0.1"}
    monkeypatch.setattr(doctor, "_version", lambda name: versions.get(name, there(name)))
    # What other packages bring fills the folder cv2, too.
    for other in ("opencv-python", "opencv-python-headless"):
        versions[other] = "4.10.0.84"
        assert "one version" in doctor._packages().cure
        assert f"{other} 4.10.0.84" in doctor._packages().found
        del versions[other]
    check = doctor._packages()
    assert not check.right
    assert "pandas 3.0.1" in check.found
    assert check.cure.startswith("pip install 'pandas")


def test_every_package_of_an_analysis_is_looked_for():
    wanted = {Requirement(one).name for one in group("run")}
    assert {*doctor._PACKAGES, "tomli"} == wanted


def test_what_training_needs_is_not_needed_to_analyse(monkeypatch: pytest.MonkeyPatch):
    there = doctor._version
    # As beside other work in Python: scikit-learn is nearly everywhere.
    absent = {"tensorflow", "keras", "librosa"}
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in absent else there(name))
    check = doctor._packages()
    assert check.right
    assert "without tensorflow, keras, librosa" in check.found


def test_what_lies_in_the_current_folder_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cv2.py").write_text("raise ImportError('mine')\n")
    monkeypatch.chdir(tmp_path)
    check = doctor._import("cv2")
    assert check.right, check.found


def test_librosa_is_used_not_only_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "numba.py").write_text("raise ImportError('numba is broken')\n")
    monkeypatch.syspath_prepend(tmp_path)
    check = doctor._import("librosa", doctor._IMPORTS_TO_TRAIN["librosa"])
    assert not check.right
    assert "numba is broken" in check.found


@pytest.mark.parametrize(
    ("complaint", "cure"),
    [
        ("FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp']", "TMPDIR"),
        ("OSError: Matplotlib requires access to a writable cache directory; set the MPLCONFIGDIR", "TMPDIR"),
        ("MemoryError:", "ulimit -v"),
        ("RuntimeError: cannot cache function '__o_fold': no locator available", "NUMBA_CACHE_DIR"),
        ("ModuleNotFoundError: No module named 'cv2.data'", "pip install opencv-contrib-python"),
        ("emoview.errors.WeightsError: the weight file face_cnn.onnx is missing", "install emoview again"),
    ],
)
def test_a_library_is_not_blamed_for_what_it_lacks(complaint: str, cure: str):
    said = doctor.cure_of(complaint, 1, "tensorflow")
    assert cure in said
    assert "tensorflow" not in said


def test_the_doctor_looks_on_where_a_part_fails(monkeypatch: pytest.MonkeyPatch):
    def fails() -> doctor.Check:
        raise FileNotFoundError("No usable temporary directory found in ['/tmp']")

    for name in ("_ffmpeg", "_self_test"):
        monkeypatch.setattr(doctor, name, fails)
    for name in ("_import", "_networks"):
        monkeypatch.setattr(doctor, name, lambda *_: doctor.Check("x", True, ""))
    found = {check.name: check for check in doctor.examine()}
    assert [name for name, check in found.items() if not check.right] == ["ffmpeg", "self-test"]
    assert "TMPDIR" in found["self-test"].cure


def test_a_self_test_that_alone_fails_has_nothing_above_it(monkeypatch: pytest.MonkeyPatch):
    for name in ("_import", "_networks"):
        monkeypatch.setattr(doctor, name, lambda *_: doctor.Check("x", True, ""))
    failed = subprocess.CompletedProcess([], 1, "", "error: the clip cannot be analysed")
    monkeypatch.setattr(doctor, "_run", lambda *_, **__: failed)
    assert "above" not in list(doctor.examine())[-1].cure
    monkeypatch.setattr(doctor, "_networks", lambda: doctor.Check("networks", False, ""))
    assert "above" in list(doctor.examine())[-1].cure


_WITHOUT = """
import importlib.abc, sys
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name.split(".")[0] == MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Finder())
from emoview.cli.start import main
sys.argv = ["emoview", "doctor", "--no-self-test", "--json", "-"]
main()
"""


def test_the_doctor_needs_no_library_to_look():
    code = _WITHOUT.replace("MISSING", "'msgspec'").replace(
        "\nsys.argv", "\nfrom emoview.doctor import checks; checks._IMPORTS_TO_TRAIN = {}\nsys.argv"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "msgspec" in found["weights"]["cure"]
    assert found["ffmpeg"]["right"]


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_a_command_that_cannot_start_says_so_in_a_sentence(missing: str):
    code = _WITHOUT.replace("MISSING", repr(missing))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert missing in done.stderr


def test_damaged_weights_are_named(damaged: Path):
    check = doctor._weights()
    assert not check.right
    assert "face_gru.weights.h5" in check.found
    assert "fusion.json" in check.found
    states = {state.name: state for state in weights.weight_states()}
    assert states["fusion.json"].found is None
    assert states["face_gru.weights.h5"].parameters is None
    assert states["face_cnn.weights.h5"].right
    assert damaged.exists()


def test_the_parameters_are_those_of_the_card():
    card = weights.model_card()
    counted = [state.parameters for state in weights.weight_states() if state.parameters]
    assert len(counted) == 10
    for parameters in counted:
        assert f"{parameters:,}" in card


def test_weights_are_listed_verified_and_described():
    assert "face_cnn.weights.h5" in _run("weights").stdout
    done = _run("weights", "verify")
    assert done.returncode == 0
    assert done.stdout.count(" ok") == 22 + 3


def test_models_of_mediapipe_are_among_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    states = {state.name: state for state in weights.weight_states() if not state.trained}
    assert set(states) == {"mesh.onnx", "near.onnx", "far.onnx"}
    assert all(state.right for state in states.values())
    listed = _run("weights").stdout
    assert all(state.expected in listed for state in states.values())
    assert "mediapipe 0.10.21" in listed
    assert "Apache-2.0" in listed
    folder = tmp_path / "models"
    shutil.copytree(weights._FACE_MODELS, folder)
    (folder / "near.onnx").write_bytes(b"x")
    monkeypatch.setattr(weights, "_FACE_MODELS", folder)
    assert "near.onnx" in doctor._weights().found
    assert _run("weights", "card").stdout == weights.model_card()


def test_verify_fails_where_a_file_was_changed(damaged: Path):
    code = (
        "import sys; from pathlib import Path; from emoview.networks import weights; "
        "from emoview.cli.main import app; weights._PACKAGED = Path(sys.argv.pop()); app()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "weights", "verify", str(damaged)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout.count("not what was shipped") == 2
    # Beside it, hashes stay on one line, for whoever searches for them.
    assert weights.weight_states()[0].expected in done.stdout
    assert done.stderr.startswith("error: ")


def test_doctor_says_when_nothing_compiled_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    assert "PYTHONDONTWRITEBYTECODE" in doctor._python().found
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert "PYTHONDONTWRITEBYTECODE" not in doctor._python().found
