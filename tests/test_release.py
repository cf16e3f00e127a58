"""Slow checks, run by `make release-test`."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLE, ffmpeg

from emoview.media.probe import probe

pytestmark = pytest.mark.release


def test_a_wheel_works_elsewhere_without_a_network(tmp_path: Path):
    subprocess.run(
        [sys.executable, "-m", "pip", "-q", "wheel", "--no-deps", "--no-build-isolation",
         "-w", tmp_path, ROOT],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("emoview-*.whl")
    # The dependencies are those of this environment; the package itself is the wheel alone.
    venv.create(tmp_path / "env", with_pip=True, system_site_packages=False)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "-q", "install", "--no-deps", wheel], check=True)
    site = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    extra = next((tmp_path / "env" / "lib").glob("python*/site-packages")) / "others.pth"
    extra.write_text(f"{site}\n")
    code = (
        "import emoview, sys; from pathlib import Path; "
        f"assert Path({str(tmp_path)!r}) in Path(emoview.__file__).parents, emoview.__file__; "
        f"result = emoview.analyze({str(SAMPLE)!r}); print(result.overall.label); "
        "from emoview.output.json import to_json; from emoview.rendering.report import write_report; "
        "Path('r.json').write_text(to_json(result)); write_report(Path('r.json'), Path('r.html'))"
    )
    offline = ["unshare", "-rn"] if _can_unshare() else []
    done = subprocess.run(
        [*offline, python, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    assert "<video" in (tmp_path / "r.html").read_text()


def test_a_wheel_is_the_same_byte_for_byte_wherever_and_whenever_it_is_built(tmp_path: Path):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a checkout")
    hashes = []
    for place, time, mask in (("one", 1_600_000_000, "022"), ("two/deeper", 1_700_000_000, "077")):
        copy = tmp_path / place
        for name in filter(None, listed.stdout.split("\0")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
            (copy / name).chmod(0o666 & ~int(mask, 8))
            os.utime(copy / name, (time, time))
        subprocess.run(
            [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", "wheel", "--no-deps",
             "--no-build-isolation", "-w", tmp_path / mask, copy],
            check=True, umask=int(mask, 8), env={**os.environ, "SOURCE_DATE_EPOCH": "1650000000"},
        )  # fmt: skip
        (wheel,) = (tmp_path / mask).glob("emoview-*.whl")
        hashes.append(hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert hashes[0] == hashes[1]
    with zipfile.ZipFile(wheel) as archive:
        assert any(name.endswith("licenses/THIRD_PARTY_NOTICES.md") for name in archive.namelist())
        assert {entry.date_time[0] for entry in archive.infolist()} == {2022}


def _can_unshare() -> bool:
    try:
        return subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def test_a_long_video_keeps_its_rows_and_the_memory_small(tmp_path: Path):
    long = tmp_path / "long.mp4"
    ffmpeg("-stream_loop", "37", "-i", str(SAMPLE), "-c", "copy", str(long))
    peaks = {}
    for clip in (SAMPLE, long):
        done = subprocess.run(
            [sys.executable, "-m", "emoview", "analyze", str(clip), "--json", "-", "-q"],
            capture_output=True, text=True, check=True, env={**os.environ},
        )  # fmt: skip
        document = json.loads(done.stdout)
        peaks[clip] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        assert [row["tick"] for row in document["timeline"]] == list(range(document["media"]["ticks"]))
    assert abs(document["media"]["duration_s"] - probe(long).duration_s) < 0.1
    print({path.name: round(peak) for path, peak in peaks.items()}, "MB")
    assert peaks[long] < peaks[SAMPLE] * 1.5 + 150


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_the_weights_say_the_same_under_other_back_ends(backend: str):
    """TensorFlow's turn is in the quick tests; all are held against the same networks in ONNX Runtime."""
    pytest.importorskip(backend)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/pipeline/test_engines.py",
         "-k", "test_both_engines_say_the_same"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stdout.startswith("....."), done.stdout
