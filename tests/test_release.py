"""Slow checks, run by `make release-test`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import venv
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
        f"result = emoview.analyze({str(SAMPLE)!r}); print(result.overall.fused.label); "
        "from emoview.output.json import to_json; from emoview.reports import write_report; "
        "Path('r.json').write_text(to_json(result)); write_report(Path('r.json'), Path('r.html'))"
    )
    offline = ["unshare", "-rn"] if _can_unshare() else []
    done = subprocess.run(
        [*offline, python, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()
    assert "<video" in (tmp_path / "r.html").read_text()


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
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_training.py",
         "-k", "test_both_engines_say_the_same"],
        capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "KERAS_BACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stdout.startswith("....."), done.stdout
