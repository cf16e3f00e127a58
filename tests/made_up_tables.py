"""Tables as OpenFace and py-feat write them, made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

OPENFACE = (
    "frame", "face_id", "timestamp", "confidence", "success", "gaze_0_x", "pose_Tx", "pose_Ty", "pose_Tz",
    "pose_Rx", "pose_Ry", "pose_Rz", *(f"x_{i}" for i in range(68)), *(f"y_{i}" for i in range(68)),
    "AU01_r", "AU12_r", "AU45_r", "AU12_c", "AU45_c",
)  # fmt: skip
FEAT = (
    "", "FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore", "Pitch", "Roll", "Yaw",
    "AU01", "AU12", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "input",
    "frame",
)  # fmt: skip


def openface(
    path: Path, rows: int = 30, change: Callable[[int], Mapping[str, object]] = lambda _: {}
) -> Path:
    """A head at 30 frames a second, turned by 0.1, 0.2 and 0.3 radians, blinking from frame 5 to 8."""
    lines = [", ".join(OPENFACE)]
    for i in range(rows):
        cells: dict[str, object] = dict.fromkeys(OPENFACE, 0)
        cells |= {"frame": i + 1, "timestamp": round(i / 30, 3), "confidence": 0.98, "success": 1}
        cells |= {"pose_Rx": 0.1, "pose_Ry": 0.2, "pose_Rz": 0.3, "AU12_r": 2.5, "AU45_c": float(5 <= i < 9)}
        cells |= {f"{axis}_{n}": 100 + n for axis in "xy" for n in range(68)}
        cells |= change(i)
        lines.append(", ".join(str(cells[name]) for name in OPENFACE))
    path.write_text("\n".join(lines) + "\n")
    return path


def feat(path: Path, rows: int = 50, change: Callable[[int], Mapping[str, object]] = lambda _: {}) -> Path:
    """A face that is happy for a second and sad for another, with 25 frames a second."""
    lines = [",".join(FEAT)]
    for i in range(rows):
        cells: dict[str, object] = dict.fromkeys(FEAT, 0)
        cells |= {"": i, "frame": i, "FaceRectX": 10.5, "FaceRectWidth": 80, "FaceRectHeight": 90, "Yaw": -4}
        cells |= {
            "happiness" if i < 25 else "sadness": 0.9,
            "neutral": 0.1,
            "AU12": 0.75,
            "input": "talk.mp4",
        }
        cells |= change(i)
        lines.append(",".join(str(cells[name]) for name in FEAT))
    path.write_text("\n".join(lines) + "\n")
    return path
