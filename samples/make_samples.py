"""Make the sample clips: a public-domain portrait that moves, and synthesised speech.

    python samples/make_samples.py

Needs espeak-ng on PATH and the package scikit-image, which ships the portrait (Eileen Collins,
NASA, public domain).
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import ffmpeg
import numpy as np
from numpy.typing import NDArray
from pydub import AudioSegment
from pydub.effects import normalize
from scipy.interpolate import RBFInterpolator
from skimage import data as skimage_data

from emoview.face.find import FaceFinder
from emoview.media.tool import ffmpeg_path

HERE = Path(__file__).parent
RATE = 25
SIDE = 480

# Points of the face mesh that the expressions move, and how far, in face widths: right, down.
SMILE = {
    61: (-0.06, -0.055), 291: (0.06, -0.055), 0: (0.0, -0.01), 17: (0.0, 0.01),
    50: (-0.01, -0.03), 280: (0.01, -0.03), 13: (0.0, -0.01), 14: (0.0, 0.015),
}  # fmt: skip
SURPRISE = {
    13: (0.0, -0.02), 14: (0.0, 0.09), 17: (0.0, 0.11), 152: (0.0, 0.10), 61: (0.03, 0.03),
    291: (-0.03, 0.03), 65: (0.0, -0.06), 295: (0.0, -0.06), 105: (0.0, -0.06), 334: (0.0, -0.06),
    159: (0.0, -0.015), 386: (0.0, -0.015),
}  # fmt: skip
# Points that stay where they are, so that only the face moves.
STILL = (10, 234, 454, 127, 356, 1, 168, 6, 33, 133, 362, 263, 21, 251)

Expression = dict[int, tuple[float, float]]


def portrait() -> NDArray[np.uint8]:
    """The head and shoulders of the portrait, `(SIDE, SIDE, 3)` RGB."""
    picture = skimage_data.astronaut()[0:300, 80:380]
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def displacement(points: NDArray[np.float32], expression: Expression) -> NDArray[np.float32]:
    """How far each pixel moves for an expression, `(SIDE, SIDE, 2)`, smooth over the picture."""
    width = float(np.ptp(points[:, 0]))
    border = [(x, y) for x in (0, SIDE // 2, SIDE) for y in (0, SIDE // 2, SIDE) if SIDE // 2 not in (x, y)]
    fixed = [points[i, :2] for i in STILL if i not in expression] + [np.array(b) for b in border]
    places = np.array([points[i, :2] + np.array(d) * width for i, d in expression.items()] + fixed)
    moves = np.array([np.array(d) * width for d in expression.values()] + [np.zeros(2)] * len(fixed))
    grid = np.stack(np.meshgrid(np.arange(0, SIDE, 8), np.arange(0, SIDE, 8)), axis=-1)
    coarse = RBFInterpolator(places, moves, kernel="thin_plate_spline")(grid.reshape(-1, 2).astype(float))
    small = coarse.reshape(*grid.shape).astype(np.float32)
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)


def frames(seconds: float, plan: list[tuple[float, str]]) -> Iterator[NDArray[np.uint8]]:
    """Pictures of the portrait that follows a plan of (second, expression), gently moving."""
    picture = portrait()
    with FaceFinder(max_faces=1) as finder:
        points = finder.find(picture)[0]
    fields = {"smile": displacement(points, SMILE), "surprise": displacement(points, SURPRISE)}
    x, y = np.meshgrid(np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32))
    share = dict.fromkeys(fields, 0.0)
    for i in range(round(seconds * RATE)):
        now = i / RATE
        wanted = [name for second, name in plan if second <= now][-1]
        for name in fields:
            share[name] += 0.15 * ((1.0 if name == wanted else 0.0) - share[name])
        move = sum(share[name] * fields[name] for name in fields)
        warped = cv2.remap(picture, x - move[..., 0], y - move[..., 1], cv2.INTER_LINEAR,
                           borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        angle = 3 * np.sin(2 * np.pi * now / 3.1)
        turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), angle, 1.04)
        turn[:, 2] += 6 * np.sin(2 * np.pi * now / 2.3), 4 * np.sin(2 * np.pi * now / 1.9)
        yield cv2.warpAffine(warped, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def say(text: str, *, pitch: int, speed: int) -> AudioSegment:
    """Synthesised speech."""
    command = ["espeak-ng", "-v", "en-us", "-p", str(pitch), "-s", str(speed), "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    return normalize(AudioSegment.from_file(io.BytesIO(wave), format="wav").set_frame_rate(16_000))


def track(seconds: float, parts: list[tuple[float, AudioSegment]]) -> AudioSegment:
    """Speech at the given seconds over a faint background, so that pauses are not digital silence."""
    noise = np.random.default_rng(0).normal(0, 12, round(seconds * 16_000)).astype(np.int16)
    sound = AudioSegment(noise.tobytes(), sample_width=2, frame_rate=16_000, channels=1)
    for second, part in parts:
        sound = sound.overlay(part - 6, position=round(second * 1000))
    return sound


def write(path: Path, seconds: float, plan: list[tuple[float, str]], sound: AudioSegment) -> None:
    """Encode pictures and sound."""
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder) / "sound.wav"
        sound.export(wave, format="wav")
        pictures = ffmpeg.input("pipe:", f="rawvideo", pix_fmt="rgb24", s=f"{SIDE}x{SIDE}", r=RATE)
        output = ffmpeg.output(
            pictures, ffmpeg.input(str(wave)), str(path), vcodec="libx264", pix_fmt="yuv420p", crf=26,
            preset="veryslow", acodec="aac", audio_bitrate="64k", movflags="+faststart",
        )  # fmt: skip
        process = output.overwrite_output().run_async(cmd=ffmpeg_path(), pipe_stdin=True, quiet=True)
        for frame in frames(seconds, plan):
            process.stdin.write(np.ascontiguousarray(frame).tobytes())
        process.stdin.close()
        if process.wait():
            sys.exit(process.stderr.read().decode())


def main() -> None:
    """Write every sample."""
    talk = [
        (0.6, say("The day began like any other day.", pitch=40, speed=150)),
        (3.0, say("Oh, how wonderful to see you!", pitch=70, speed=170)),
        (5.6, say("What? Really?", pitch=90, speed=190)),
    ]
    plan = [(0.0, "rest"), (2.6, "smile"), (5.2, "surprise")]
    write(HERE / "portrait.mp4", 8.0, plan, track(8.0, talk))


if __name__ == "__main__":
    main()
