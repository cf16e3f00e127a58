"""What an analysis needs, looked at piece by piece; each piece that is broken comes with its cure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Final

from emoview.doctor import licences
from emoview.errors import EmoviewError

_PACKAGES: Final = (
    "numpy", "scipy", "onnxruntime", "opencv-contrib-python", "opensmile", "ffmpeg-python",
    "imageio-ffmpeg", "pydub", "matplotlib", "pandas", "pyarrow", "h5py", "typer", "rich",
)  # fmt: skip
_TO_TRAIN: Final = ("tensorflow", "keras", "librosa", "scikit-learn")
_IMPORTS: Final = ("cv2", "opensmile")
_IMPORTS_TO_TRAIN: Final = ("librosa", "tensorflow")
_SAMPLE: Final = Path(__file__).parents[2] / "samples" / "portrait.mp4"
_SLOWEST_S: Final = 180
_AGAIN: Final = "install emoview again in a fresh environment"
_NUMPY: Final = "install the numpy that the others were built for: pip install 'numpy<2'"

# What libraries say when a part of the system is missing, and what helps.
_CURES: Final = (
    ("libGL.so", "install the graphics library: apt install libgl1"),
    ("libgthread", "install GLib: apt install libglib2.0-0"),
    ("libglib", "install GLib: apt install libglib2.0-0"),
    ("libgomp", "install the OpenMP library: apt install libgomp1"),
    ("libsndfile", "install the sound file library: apt install libsndfile1"),
    ("libstdc++", "install the C++ library: apt install libstdc++6"),
    ("GLIBC_", "use a newer system: its C library is older than the packages need"),
    ("_ARRAY_API", _NUMPY),
    ("numpy.core.multiarray failed", _NUMPY),
    ("No space left", "free space on the disk of the temporary files"),
)  # fmt: skip


@dataclass(frozen=True)
class Check:
    """What was found of one piece.

    Attributes:
        name: The piece.
        right: Whether it is as an analysis needs it.
        found: What is there, or what went wrong.
        cure: What to do; None where nothing is wrong.
    """

    name: str
    right: bool
    found: str
    cure: str | None = None


def examine(*, self_test: bool = True) -> Iterator[Check]:
    """Look at everything, one piece after the other; the last, the self-test, analyzes a small clip."""
    lean = not any(map(_version, _TO_TRAIN))
    imports = [partial(_import, name) for name in (*_IMPORTS, *(() if lean else _IMPORTS_TO_TRAIN))]
    parts = [_python, _packages, _ffmpeg, _font, _weights, *imports, _networks, _licences]
    # Each import waits for a process of its own, so some can run beside each other.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        yield from pool.map(lambda part: part(), parts)
    yield from additions()
    if self_test:
        yield _self_test()


def run_networks() -> None:
    """Load the face network, run it on a grey picture, and print where; the process `_networks` starts."""
    import numpy as np

    from emoview.face.align import CROP_SIZE
    from emoview.pipeline.device import Device, select_device

    device, engine = select_device(Device.AUTO)
    from emoview.pipeline.inference import run_faces
    from emoview.pipeline.models import Models

    grey = np.full((CROP_SIZE, CROP_SIZE), 128, np.uint8)
    _, logits = run_faces(Models(engine=engine).face_cnn, [grey])
    if not np.isfinite(logits).all():
        raise ArithmeticError("the face network gave no numbers")
    print(json.dumps({"engine": engine.value, "device": device}))


def _python() -> Check:
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.dont_write_bytecode and not _compiled("numpy"):
        found += "; each start compiles what it imports: unset PYTHONDONTWRITEBYTECODE"
    return Check("python", True, found)


def _compiled(package: str) -> bool:
    spec = find_spec(package)
    return spec is not None and spec.origin is not None and Path(cache_from_source(spec.origin)).is_file()


def _packages() -> Check:
    versions = {name: _version(name) for name in (*_PACKAGES, *_TO_TRAIN)}
    lean = not any(versions[name] for name in _TO_TRAIN)
    missing = [name for name, version in versions.items() if not (version or (lean and name in _TO_TRAIN))]
    found = ", ".join(
        f"{name} {version or 'missing'}" for name, version in versions.items() if version or name in missing
    )
    if missing:
        return Check("packages", False, found, f"pip install {' '.join(missing)}, or {_AGAIN}")
    other = _version("opencv-python")
    if other not in (None, versions["opencv-contrib-python"]):
        # Both fill the folder cv2, whichever came last.
        return Check("packages", False, found, f"the two opencv packages must be of one version: {_AGAIN}")
    if lean:
        found += "; enough to analyse, but not to train or to measure: pip install emoview brings the rest"
    return Check("packages", True, found)


def _version(name: str) -> str | None:
    """Give the version of an installed package; None where it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _ffmpeg() -> Check:
    try:
        from emoview.media.tool import tool

        used = tool()
    except (EmoviewError, ImportError) as error:
        return Check("ffmpeg", False, _first_line(str(error)), "install ffmpeg: apt install ffmpeg")
    origin = "brought by imageio-ffmpeg" if "imageio_ffmpeg" in used.path else "of the system"
    broken = f"; {used.broken} does not run" if used.broken else ""
    return Check("ffmpeg", True, f"ffmpeg {used.version}, {origin} ({used.path}){broken}")


def _font() -> Check:
    try:
        from matplotlib import font_manager

        path = font_manager.findfont("DejaVu Sans", fallback_to_default=False)
    except (ImportError, ValueError, OSError) as error:
        cure = "install matplotlib again: its own font is missing"
        return Check("fonts", False, _first_line(str(error)), cure)
    return Check("fonts", True, f"matplotlib's own: {Path(path).name}")


def _weights() -> Check:
    from emoview.networks.weights import weight_states, weights_folder

    try:
        states = weight_states()
    except EmoviewError as error:
        return Check("weights", False, str(error), _AGAIN)
    wrong = [state.name for state in states if not state.right]
    if wrong:
        return Check("weights", False, f"missing or not what was shipped: {', '.join(wrong)}", _AGAIN)
    return Check("weights", True, f"{len(states)} files, SHA-256 as shipped ({weights_folder()})")


def _import(name: str) -> Check:
    """Import in a process of its own: a library can end the process that imports it."""
    start = time.perf_counter()
    done = _run([sys.executable, "-c", f"import {name}"])
    if done.returncode == 0:
        return Check(name, True, f"imports in {time.perf_counter() - start:.1f} s")
    return Check(name, False, _complaint(done), cure_of(done.stderr, done.returncode, name))


def _networks() -> Check:
    done = _run([sys.executable, "-c", "from emoview.doctor.checks import run_networks; run_networks()"])
    if done.returncode == 0:
        found = json.loads(done.stdout.splitlines()[-1])
        return Check("networks", True, f"{found['engine']} on {found['device']}; the face network runs")
    return Check("networks", False, _complaint(done), cure_of(done.stderr, done.returncode, "onnxruntime"))


def additions() -> Iterator[Check]:
    """Look at what other packages add, if any does; networks are needed to train alone."""
    from emoview.networks.catalog import NETWORKS
    from emoview.output.writers import WRITERS

    kinds = (WRITERS, NETWORKS)
    faults = [fault for kind in kinds for fault in kind.faults.values()]
    works = [f"{name} ({kind.kind} of {kind.packages[name]})" for kind in kinds for name in kind.added]
    if faults or works:
        yield Check("additions", not faults, "\n".join([*works, *faults]))


def _licences() -> Check:
    """Say what may be done with what is here; nothing is wrong with it."""
    try:
        from emoview.media.tool import ffmpeg_path

        ffmpeg = licences.ffmpeg_terms(_run([ffmpeg_path(), "-version"]).stdout)
    except (EmoviewError, ImportError, OSError):
        ffmpeg = "none here"
    terms = {
        "emoview": licences.CODE,
        "weights": licences.WEIGHTS,
        "face models": licences.FACE_MODELS,
        "openSMILE": licences.OPENSMILE,
        "ffmpeg": ffmpeg,
    }
    return Check("licences", True, "\n".join(f"{name}: {said}" for name, said in terms.items()))


def _self_test() -> Check:
    """Analyze the sample of a checkout, or, in an installed package, a clip made on the spot."""
    with tempfile.TemporaryDirectory() as folder:
        clip, what = _SAMPLE, "the sample"
        if not clip.is_file():
            clip, what = Path(folder) / "pattern.mkv", "2 s of test pattern and tone (no face, no voice)"
            try:
                from emoview.media.synthetic import make_test_clip

                make_test_clip(clip)
            except (EmoviewError, ImportError, OSError, subprocess.SubprocessError) as error:
                return Check("self-test", False, _first_line(str(error)), "see ffmpeg above")
        start = time.perf_counter()
        # Not in the current folder, whose emoview.toml could ask for anything.
        command = [sys.executable, "-m", "emoview", "analyze", str(clip), "--json", "-", "-q"]
        done = _run(command, folder=Path(folder))
        seconds = time.perf_counter() - start
    if done.returncode != 0:
        return Check("self-test", False, _complaint(done), "cure what is broken above, then try again")
    result = json.loads(done.stdout)
    ticks, label = result["media"]["ticks"], result["overall"]["label"]
    if what == "the sample" and label is None:
        return Check("self-test", False, "no face and no voice was found in the sample", _AGAIN)
    said = f": {label}" if label else ""
    return Check("self-test", True, f"{what}: {ticks} ticks in {seconds:.1f} s{said}")


def cure_of(complaint: str, code: int, package: str) -> str:
    """Say what helps against what a library complained of.

    Args:
        complaint: What the process wrote.
        code: How it ended; negative for a signal.
        package: Which library it was.
    """
    if code == -4:
        return f"use a machine whose processor has AVX: {package} was built for it"
    if code == -9:
        return "free memory: the system ended the process"
    for words, cure in _CURES:
        if words in complaint:
            return cure
    return f"install {package} again, or {_AGAIN}"


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    # So that a package that is run from its folder is found from another folder, too.
    paths = [*filter(None, [os.environ.get("PYTHONPATH")]), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_SLOWEST_S,
            env=environment, cwd=folder, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(command), 1, "", f"no answer within {_SLOWEST_S} s")


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    return lines[-1][:300] if lines else f"ended with code {done.returncode}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no answer"
