"""Measure the shipped networks, and the whole analysis, on a GPU; writes `gpu-BACKEND-PART.md` and `.json`.

    KERAS_BACKEND=torch python -m benchmarks.gpu [-o DIR] [--part networks|pipeline] [--budget 60]

With torch, jax or tensorflow as Keras' back end.  Without a GPU it gives the processor's, and says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.__main__ import machine
from benchmarks.table import table

FACES = ((48, (512, 2048, 32, 128, 8192)), (64, (2048, 512, 32)), (80, (512,)))
"""Pixels of a side, and faces in a batch."""
SEQUENCES, TICKS = 64, 250
"""Sequences in a batch, and their length."""
HALVES = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
TOLERANCE = 1e-3
_CHECKED = 16
_SECONDS = 0.4


def main() -> None:
    """Measure what is asked for, and print and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--part", choices=("networks", "pipeline"))
    parser.add_argument(
        "--budget", type=float, default=60, help="Seconds after which no further cell is begun."
    )
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for part, measure in (("networks", networks), ("pipeline", pipeline)):
        if arguments.part not in (None, part):
            continue
        where = card()
        print(", ".join(f"{name} {value}" for name, value in where.items()), flush=True)
        found = {"machine": where, **measure(where["card"] != "none", arguments.budget)}
        text = "\n".join([", ".join(f"{k} {v}" for k, v in where.items()), "", *found.pop("lines")]) + "\n"
        stem = f"gpu-{where['backend']}-{part}"
        (arguments.output / f"{stem}.json").write_text(json.dumps(found, indent=2) + "\n")
        (arguments.output / f"{stem}.md").write_text(text)
        print(text, flush=True)


def card() -> dict[str, str]:
    """Say what the figures were measured on; `card` is none where the back end of Keras sees no GPU."""
    import keras

    from emoview.pipeline.device import gpus

    backend = keras.backend.backend()
    named = {"backend": backend}
    for package in ("keras", backend, "numpy", "onnxruntime"):
        try:
            named[package] = version(package)
        except PackageNotFoundError:
            named[package] = "?"
    if not gpus(backend):
        return {"card": "none", "note": "no GPU here: processor figures", **named, **machine()}
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        said = "unknown"
    return {"card": said.splitlines()[0] if said else "unknown", **named, **machine()}


def networks(on_card: bool, budget: float) -> dict[str, Any]:
    """Measure every network in batches, in several precisions, and compare with the processor's answers."""
    start = time.perf_counter()
    rows: list[dict[str, Any]] = []
    left_out: list[str] = []
    for model, batch, side, precision in _cells(on_card):
        name = f"{model}{f' {side} px' if side else ''}, {batch}, {precision}"
        if time.perf_counter() - start > budget:
            left_out.append(name)
            continue
        try:
            row = {"network": model, "side": side, "batch": batch, "precision": precision}
            rows.append(row | _cell(model, batch, side, precision))
        except Exception as error:  # one cell that fails, for lack of memory, say, does not lose the others
            left_out.append(f"{name}: {type(error).__name__}: {error}"[:300])
        print(rows[-1] if rows else left_out[-1], flush=True)
    head = [
        "network",
        "batch",
        "precision",
        "samples/s",
        "with transfers",
        "max diff",
        "of probabilities",
        "",
    ]
    lines = table(
        head,
        [
            [
                row["network"] + (f" {row['side']} px" if row["side"] else ""), str(row["batch"]),
                row["precision"], f"{row['per_s']:,.0f}", f"{row['with_transfers_per_s']:,.0f}",
                f"{row['max_abs']:.1e}", f"{row['max_abs_probability']:.1e}",
                "" if row["max_abs"] <= TOLERANCE else f"beyond {TOLERANCE:g}",
            ]
            for row in rows
        ],
    )  # fmt: skip
    if left_out:
        lines += ["", "Left out:", "", *(f"- {one}" for one in left_out)]
    return {"rows": rows, "left_out": left_out, "lines": lines}


def _cells(on_card: bool) -> list[tuple[str, int, int, str]]:
    """List network, batch, pixels of a side (0: it sees no face) and precision; the most telling first."""
    others = ("voice_clip", "speaker", "voice_tcn", *_LOOPED)
    if not on_card:
        faces = [("face_cnn", 32, side, "float32") for side, _ in FACES]
        return [*faces, *((name, 4, 0, "float32") for name in others)]
    faces = [("face_cnn", batch, side, "float32") for side, batches in FACES for batch in batches]
    first, rest = ([one for one in faces if (one[1] >= 512) is large] for large in (True, False))
    quicker = [("face_cnn", 2048, side, name) for side, _ in FACES[:2] for name in ("tf32", *HALVES)]
    return [*first, *((name, SEQUENCES, 0, "float32") for name in others), *quicker, *rest]


_LOOPED = ("face_gru", "early_fusion")


def _cell(model: str, batch: int, side: int, precision: str) -> dict[str, Any]:
    """Measure a network in batches of one size."""
    import keras

    from emoview.pipeline.device import exactly

    backend = keras.backend.backend()
    exactly(backend, exact=precision == "float32")
    network = _built(model, HALVES.get(precision, "float32"))
    inputs = _inputs(network, model, batch, side)
    begin = time.perf_counter()
    to_card, on_card, wait, back = _run_by(backend, network)
    there = to_card(inputs)
    said = back(on_card(there))
    first_s = time.perf_counter() - begin
    per_s = batch / _seconds(lambda: on_card(there), wait)
    with_transfers = batch / _seconds(lambda: back(on_card(to_card(inputs))), lambda _: None)
    expected = _on_processor(model, inputs)
    checked = len(expected[0])
    differences = [_difference(one[:checked], other) for one, other in zip(said, expected, strict=True)]
    answer = {
        "per_s": per_s, "with_transfers_per_s": with_transfers, "first_call_s": first_s,
        "max_abs": max(differences),
        "max_abs_probability": max(
            _difference(_softmax(one[:checked]), _softmax(other))
            for one, other in zip(said, expected, strict=True)
        ),
    }  # fmt: skip
    if precision == "float32":
        answer |= _by_onnx_runtime(model, inputs, batch)
    return answer


def _built(model: str, policy: str) -> Any:
    import keras

    from emoview.networks.face_cnn import embedding_model
    from emoview.networks.shipped import BUILDERS
    from emoview.networks.weights import shipped

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        network = BUILDERS[model]()
    finally:
        keras.config.set_dtype_policy(before)
    network.load_weights(shipped(f"{model}.weights.h5").path)
    return embedding_model(network) if model == "face_cnn" else network


def _inputs(network: Any, model: str, batch: int, side: int) -> tuple[np.ndarray, ...]:
    """Make inputs as the network knows them: smooth pictures, or values around its means."""
    rng = np.random.default_rng(0)
    if side:
        coarse = rng.random((batch, side // 8, side // 8, 1), dtype=np.float32)
        fine = rng.random((batch, side, side, 1), dtype=np.float32)
        return (0.8 * coarse.repeat(8, axis=1).repeat(8, axis=2) + 0.2 * fine,)
    layer = network.get_layer("normalise")
    mean, variance = (np.asarray(_plain(part)).ravel() for part in (layer.adapt_mean, layer.adapt_variance))
    ticks = {"voice_clip": (), "speaker": (37,)}.get(model, (TICKS,))
    drawn = rng.normal(size=(batch, *ticks, len(mean)))
    values = (mean + np.sqrt(variance) * drawn).astype(np.float32)
    return (values,) if model in ("voice_clip", "speaker") else (values, np.ones((batch, TICKS), bool))


def _plain(variable: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(variable)


_Run = tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[..., Any]]


def _run_by(backend: str, network: Any) -> _Run:
    """Give what brings inputs to the card, what computes, what waits for it, and what brings answers back."""
    import keras

    def back(answers: Any) -> list[np.ndarray]:
        answers = answers if isinstance(answers, list | tuple) else [answers]
        floats = [keras.ops.cast(one, "float32") for one in answers]
        return [np.asarray(keras.ops.convert_to_numpy(one)) for one in floats]

    def asked(values: tuple[Any, ...]) -> Any:
        return network(values[0] if len(values) == 1 else list(values), training=False)

    if backend == "torch":
        import torch

        where = "cuda" if torch.cuda.is_available() else "cpu"

        def compute(values: tuple[Any, ...]) -> Any:
            with torch.inference_mode():
                return asked(values)

        def bring(values: tuple[np.ndarray, ...]) -> tuple[Any, ...]:
            return tuple(torch.as_tensor(one).to(where) for one in values)

        return bring, compute, lambda _: torch.cuda.synchronize() if where == "cuda" else None, back
    if backend == "jax":
        import jax

        state = [[one.value for one in part] for part in
                 (network.trainable_variables, network.non_trainable_variables)]  # fmt: skip

        def stateless(state: Any, values: Any) -> Any:
            given = values[0] if len(values) == 1 else list(values)
            return network.stateless_call(*state, given, training=False)[0]

        compiled = jax.jit(stateless)
        return (
            lambda values: jax.block_until_ready(jax.device_put(values)),
            lambda values: compiled(state, values), jax.block_until_ready, back,
        )  # fmt: skip
    import tensorflow as tf

    function = tf.function(asked)
    return lambda values: tuple(map(tf.constant, values)), function, back, back


def _seconds(call: Callable[[], Any], wait: Callable[[Any], Any]) -> float:
    """Time a call: two to warm up, then the best of three rounds of some tenths of a second each."""
    for _ in range(2):
        wait(call())
    start = time.perf_counter()
    wait(call())
    repeats = max(1, round(_SECONDS / 3 / (time.perf_counter() - start)))
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(repeats):
            answer = call()
        wait(answer)
        best = min(best, (time.perf_counter() - start) / repeats)
    return best


def _on_processor(model: str, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """Give the answers of ONNX Runtime on the processor for the first inputs."""
    from emoview.pipeline.engines import Engine, load

    network = load(model, Engine.ONNX)
    few = tuple(one[:_CHECKED] for one in inputs)
    if len(few) == 1:
        answer = network.predict_on_batch(few[0])
        return list(answer) if isinstance(answer, list) else [answer]
    parts = [network.predict_on_batch((few[0][i : i + 1], few[1][i : i + 1])) for i in range(len(few[0]))]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _by_onnx_runtime(model: str, inputs: tuple[np.ndarray, ...], batch: int) -> dict[str, Any]:
    """Time ONNX Runtime's own way to the card, transfers and all, where it is installed."""
    from emoview.networks.onnx_runtime import runtime
    from emoview.networks.weights import shipped

    onnxruntime = runtime()
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers() or len(inputs) > 1:
        return {}
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(str(shipped(f"{model}.onnx").path), providers=providers)
    if session.get_providers()[0] != providers[0]:
        return {}
    given = {session.get_inputs()[0].name: inputs[0]}
    seconds = _seconds(lambda: session.run(None, given), lambda _: None)
    return {"onnxruntime_cuda_with_transfers_per_s": batch / seconds}


def _difference(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(np.float64) - other).max())


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values.astype(np.float64) - values.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def pipeline(on_card: bool, _: float) -> dict[str, Any]:
    """Analyse clips on the card and on the processor: the same rows, and the seconds of each stage."""
    from benchmarks.clips import SAMPLE, SPEED, make
    from emoview import analyze
    from emoview.pipeline.profile import profile_of

    kinds = [kind for kind in SPEED if kind.name in ("720p", "1080p, 4 faces")]
    devices = ("gpu", "cpu") if on_card else ("cpu", "cpu")
    start_s = {}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for device in dict.fromkeys(devices):
            start = time.perf_counter()
            analyze(SAMPLE, device=device)
            start_s[device] = time.perf_counter() - start
        for kind in kinds[: None if on_card else 1]:
            clip = make(kind, Path(folder))
            results = []
            for device in devices:
                if device == "gpu":
                    # Once to compile for its shapes.
                    analyze(clip, device=device)
                result = analyze(clip, device=device)
                profile = profile_of(result)
                stages = {stage.name: round(stage.busy_s, 3) for stage in profile.stages}
                results.append(result)
                rows.append({
                    "clip": kind.name, "device": device, "engine": profile.engine, "wall_s": profile.wall_s,
                    "ticks_per_s": profile.ticks / profile.wall_s, "faces": result.media.faces,
                    "bound_by": list(profile.bound_by), "decode_share": stages["decode"] / profile.wall_s,
                    "face_network_share": stages["face network"] / profile.wall_s, "stages": stages,
                })  # fmt: skip
            rows[-2] |= _compared(*results)
    names = list(rows[0]["stages"])
    lines = [
        f"First analysis of 2 s, with loading: {', '.join(f'{d} {s:.1f} s' for d, s in start_s.items())}",
        "",
    ]
    lines += table(
        ["clip", "device", "ticks/s", *names, "max diff", "same labels"],
        [
            [
                row["clip"], row["device"], f"{row['ticks_per_s']:.0f}",
                *(f"{row['stages'][name]:.2f}" for name in names),
                f"{row['max_abs_probability']:.1e}" if "max_abs_probability" in row else "",
                f"{row['same_labels']:.4f}" if "same_labels" in row else "",
            ]
            for row in rows
        ],
    )  # fmt: skip
    return {"first_s": start_s, "rows": rows, "lines": lines}


def _compared(one: Any, other: Any) -> dict[str, float]:
    """Compare two results row by row."""
    pairs = list(zip(one.timeline, other.timeline, strict=True))
    same = sum(a.label == b.label and a.face_id == b.face_id for a, b in pairs)
    most = 0.0
    for a, b in pairs:
        for part in ("face", "voice", "fused"):
            mine, others = getattr(a, part), getattr(b, part)
            if (mine is None) != (others is None):
                raise SystemExit(f"tick {a.tick}: {part} is there on one device alone")
            if mine is not None:
                most = max(most, _difference(np.array(tuple(mine)), np.array(tuple(others))))
    return {"same_labels": same / len(pairs), "max_abs_probability": most}


if __name__ == "__main__":
    sys.exit(main())
