"""`fer` on the first pictures of a clip, for each tick one; run by the interpreter that has it.

/path/to/python benchmarks/peers/fer_peer.py CLIP [haar|mtcnn]
"""

from __future__ import annotations

import json
import sys
import time

import cv2
from fer.fer import FER

_TICKS = 200
_TICK_HZ = 25


def main(clip: str, detector: str = "haar") -> None:
    """Print the seconds for so many ticks, warm."""
    model = FER(mtcnn=detector == "mtcnn")
    video = cv2.VideoCapture(clip)
    rate = video.get(cv2.CAP_PROP_FPS) or _TICK_HZ
    model.detect_emotions(video.read()[1])
    start, ticks, number = time.perf_counter(), 0, 1
    while ticks < _TICKS and video.grab():
        if number * _TICK_HZ // rate > (number - 1) * _TICK_HZ // rate:
            model.detect_emotions(video.retrieve()[1])
            ticks += 1
        number += 1
    print("\n" + json.dumps({"seconds": time.perf_counter() - start, "ticks": ticks}))


if __name__ == "__main__":
    main(*sys.argv[1:])
