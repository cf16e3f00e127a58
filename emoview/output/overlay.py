"""Drawing a result on the pictures of its video."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.output.palette import blue_green_red, ink
from emoview.timeline.clock import TICK_MS, tick_at
from emoview.timeline.labels import LETTERS
from emoview.timeline.results import Analysis, Row, main_rows

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_EMPTY: Final = (48, 48, 48)
_LANES: Final = ("fused", "face", "voice")
_LANE_NAMES: Final = ("both", "face", "voice")
# Pixels of the font at scale 1, from the baseline to the top of a capital.
_CAPITAL: Final = 21


class Overlay:
    """Boxes, label, probability bars and a running strip, sized for the picture."""

    def __init__(self, analysis: Analysis, *, width: int, height: int) -> None:
        self._analysis = analysis
        self._width, self._height = width, height
        media = analysis.media
        # The result is in pixels as shown; an odd width loses one to the encoder.
        self._fit = (width / (media.width or width), height / (media.height or height))
        self._unit = max(8, min(width, height) // 36)
        self._line = max(2, self._unit // 8)
        self._rows: dict[int, list[Row]] = {}
        for row in analysis.timeline:
            self._rows.setdefault(row.tick, []).append(row)
        self._gutter = self._unit * 3
        self._strip = self._drawn_strip()
        self._faded = (self._strip * 0.45).astype(np.uint8)

    def draw(self, picture: Picture, time_s: float) -> None:
        """Draw what holds at `time_s` of the timeline on `(height, width, 3)` BGR, in place."""
        for row in self._rows.get(tick_at(time_s), ()):
            self._row(picture, row)
        self._running(picture, time_s)

    def _row(self, picture: Picture, row: Row) -> None:
        if row.box is None:
            if row.fused is not None:
                self._panel(picture, row, "voice", (self._unit, self._unit))
            return
        left, top = round(row.box.x * self._fit[0]), round(row.box.y * self._fit[1])
        right = round((row.box.x + row.box.width) * self._fit[0])
        bottom = round((row.box.y + row.box.height) * self._fit[1])
        label = row.label
        colour = blue_green_red(label) if label else _WHITE
        # A dark edge keeps the box visible on bright pictures.
        cv2.rectangle(picture, (left, top), (right, bottom), _BLACK, self._line * 2 + 1)
        cv2.rectangle(picture, (left, top), (right, bottom), colour, self._line)
        if row.fused is None:
            return
        panel = self._panel_size()
        x = right + self._unit // 2
        if x + panel[0] > self._width:
            x = left - self._unit // 2 - panel[0]
        if x < 0:
            x = self._width - panel[0]
        name = self._analysis.names.get(row.person or 0, f"#{row.person}")
        self._panel(picture, row, name, (x, top))

    def _panel_size(self) -> tuple[int, int]:
        return self._unit * 9, round(self._unit * (1.5 + 1.05 * len(self._analysis.naming.groups)))

    def _panel(self, picture: Picture, row: Row, who: str, at: tuple[int, int]) -> None:
        """A dimmed plate with the id, the label, and a bar for each label."""
        unit = self._unit
        width, height = self._panel_size()
        x = max(0, min(at[0], self._width - width))
        y = max(0, min(at[1], self._height - len(self._strip) - height))
        plate = picture[y : y + height, x : x + width]
        if plate.shape[:2] != (height, width):
            return
        np.right_shift(plate, 2, out=plate)
        assert row.fused is not None
        label, confidence = row.naming.decide(row.fused)
        head = plate[: round(unit * 1.4)]
        head[:] = blue_green_red(label)
        self._text(head, f"{who} {label} {confidence:.0%}", (unit // 4, unit), 0.62, _ink(label))
        for i, (each, p) in enumerate(zip(row.naming.groups, row.naming.sums(row.fused), strict=True)):
            base = round(unit * (2.3 + 1.05 * i))
            self._text(plate, each, (unit // 4, base), 0.5, _WHITE)
            start = unit * 4
            end = start + round((width - start - unit // 4) * p)
            cv2.rectangle(plate, (start, base - round(unit * 0.55)), (end, base), blue_green_red(each), -1)

    def _text(self, picture: Picture, text: str, at: tuple[int, int], height: float, colour: Colour) -> None:
        """Write `text` with capitals of `height` units."""
        scale = self._unit * height / _CAPITAL
        thick = max(1, round(scale * 1.6))
        cv2.putText(picture, text, at, _FONT, scale, colour, thick, cv2.LINE_AA)

    def _drawn_strip(self) -> Picture:
        """The whole clip along the width: a lane for both, face and voice."""
        lane = round(self._unit * 0.9)
        strip = np.zeros((lane * len(_LANES) + 2 * len(_LANES), self._width, 3), np.uint8)
        for i, (name, shown) in enumerate(zip(_LANES, _LANE_NAMES, strict=True)):
            top = i * (lane + 2) + 1
            band = strip[top : top + lane]
            band[:, self._gutter :] = _EMPTY
            self._text(band, shown, (self._unit // 4, round(lane * 0.8)), 0.5, _WHITE)
            for start, end, label in self._label_runs(name):
                band[:, start:end] = blue_green_red(label)
                if end - start > self._unit:
                    at = ((start + end) // 2 - self._unit // 4, round(lane * 0.8))
                    self._text(band, LETTERS[label], at, 0.55, _ink(label))
        return strip

    def _label_runs(self, modality: str) -> list[tuple[int, int, str]]:
        """Where a label leads in the main face, or whoever speaks, and the ticks without one, as columns."""
        runs: list[tuple[int, int, str]] = []
        for row in main_rows(self._analysis):
            label = row.said(modality)
            if label is None:
                continue
            start, end = self._column(row.tick), self._column(row.tick + 1)
            if runs and runs[-1][2] == label and runs[-1][1] >= start:
                runs[-1] = (runs[-1][0], end, label)
            else:
                runs.append((start, end, label))
        return runs

    def _column(self, tick: float) -> int:
        room = self._width - self._gutter
        return self._gutter + round(min(1.0, max(0.0, tick / max(1, self._analysis.media.ticks))) * room)

    def _running(self, picture: Picture, time_s: float) -> None:
        """The strip up to now in full colour, what is to come faded, and a line between them."""
        top = self._height - len(self._strip)
        if top < 0:
            return
        now = min(self._column(time_s * 1000 / TICK_MS), self._width - 1)
        picture[top:, :now] = self._strip[:, :now]
        picture[top:, now:] = self._faded[:, now:]
        cv2.line(picture, (now, top), (now, self._height - 1), _WHITE, self._line + 1)


def _ink(label: str) -> Colour:
    return _BLACK if ink(label) == "#000000" else _WHITE
