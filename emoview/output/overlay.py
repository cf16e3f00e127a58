"""Drawing a result on the pictures of its video."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.output.lettering import can_be_drawn, lettered
from emoview.output.palette import blue_green_red, ink
from emoview.timeline.clock import TICK_MS, tick_at
from emoview.timeline.labels import LETTERS
from emoview.timeline.results import Analysis, Row
from emoview.timeline.shares import one_of_several, overall_rows

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX
_WHITE: Final = (255, 255, 255)
_BLACK: Final = (0, 0, 0)
_EMPTY: Final = (48, 48, 48)
_LANES: Final = ("fused", "face", "voice")
_LANE_NAMES: Final = ("both", "face", "voice")
_LANE: Final = 0.5
"""Height of these names in units."""
# Pixels of the font at scale 1, from the baseline to the top of a capital.
_CAPITAL: Final = 21
# Height of the text on top of a panel, in units, and so many of them long names may add to its width.
_HEAD: Final = 0.62
_MOST_UNITS_OF_NAMES: Final = 8


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
        self._wider = self._width_of_names()
        several = one_of_several(analysis)
        self._whose = "" if several is None else f"{self._called(several[0])} "
        wide = self._text_size(self._whose, _LANE) if self._whose else 0
        self._gutter = self._unit * 3 + min(wide, width // 4)
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
        self._panel(picture, row, self._called(row.person), (x, top))

    def _called(self, person: int | None) -> str:
        """Call a person by their name; by the number where that has none, or one that cannot be drawn."""
        name = self._analysis.names.get(-1 if person is None else person)
        return f"#{person}" if name is None or not can_be_drawn(name) else name

    def _width_of_names(self) -> int:
        """Give how many pixels more than numbers the names take, as far as there is room."""
        usual = self._text_size("#0", _HEAD)
        wide = [self._text_size(self._called(one), _HEAD) - usual for one in self._analysis.names]
        return max(
            0, min(max(wide, default=0), _MOST_UNITS_OF_NAMES * self._unit, self._width - 9 * self._unit)
        )

    def _panel_size(self) -> tuple[int, int]:
        height = round(self._unit * (1.5 + 1.05 * len(self._analysis.naming.groups)))
        return self._unit * 9 + self._wider, height

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
        said = f"{label} {confidence:.0%}"
        # What is said of somebody matters more than the end of a long name.
        named = who in self._analysis.names.values()
        while named and len(who) > 1 and self._text_size(f"{who} {said}", _HEAD) > width - unit // 4:
            who = who[:-1]
        self._text(head, f"{who} {said}", (unit // 4, unit), _HEAD, _ink(label))
        for i, (each, p) in enumerate(zip(row.naming.groups, row.naming.sums(row.fused), strict=True)):
            base = round(unit * (2.3 + 1.05 * i))
            self._text(plate, each, (unit // 4, base), 0.5, _WHITE)
            start = unit * 4
            end = start + round((width - start - unit // 4) * p)
            cv2.rectangle(plate, (start, base - round(unit * 0.55)), (end, base), blue_green_red(each), -1)

    def _text(self, picture: Picture, text: str, at: tuple[int, int], height: float, colour: Colour) -> None:
        """Write `text` with capitals of `height` units."""
        if text.isascii():
            scale, thick = self._pen(height)
            cv2.putText(picture, text, at, _FONT, scale, colour, thick, cv2.LINE_AA)
            return
        cover, above = lettered(text, round(self._unit * height))
        top = max(0, at[1] - above)
        place = picture[top : top + len(cover), at[0] : at[0] + cover.shape[1]]
        share = cover[: place.shape[0], : place.shape[1], None] / 255
        place[:] = np.round(place * (1 - share) + np.array(colour) * share)

    def _pen(self, height: float) -> tuple[float, int]:
        """Give scale and thickness of OpenCV's letters for capitals of `height` units."""
        scale = self._unit * height / _CAPITAL
        return scale, max(1, round(scale * 1.6))

    def _text_size(self, text: str, height: float) -> int:
        """Give the width of a text in pixels."""
        if text.isascii():
            return int(cv2.getTextSize(text, _FONT, *self._pen(height))[0][0])
        return int(lettered(text, round(self._unit * height))[0].shape[1])

    def _drawn_strip(self) -> Picture:
        """The whole clip along the width: a lane for both, face and voice."""
        lane = round(self._unit * 0.9)
        strip = np.zeros((lane * len(_LANES) + 2 * len(_LANES), self._width, 3), np.uint8)
        for i, (name, shown) in enumerate(zip(_LANES, _LANE_NAMES, strict=True)):
            top = i * (lane + 2) + 1
            band = strip[top : top + lane]
            band[:, self._gutter :] = _EMPTY
            self._text(band, self._whose + shown, (self._unit // 4, round(lane * 0.8)), _LANE, _WHITE)
            for start, end, label in self._label_runs(name):
                band[:, start:end] = blue_green_red(label)
                if end - start > self._unit:
                    at = ((start + end) // 2 - self._unit // 4, round(lane * 0.8))
                    self._text(band, LETTERS[label], at, 0.55, _ink(label))
        return strip

    def _label_runs(self, modality: str) -> list[tuple[int, int, str]]:
        """Where a label leads of those whom the overall result is about, as columns."""
        runs: list[tuple[int, int, str]] = []
        for row in overall_rows(self._analysis):
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
