"""Fill the tables of the model card from what was measured.

    python -m tools.card RUN       # by `emoview train voice` and `train fusion`
    python -m tools.card FILE      # by `emoview evaluate face shipped … --groups … --json FILE`

writes each table between its two comments in weights/MODEL_CARD.md anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from emoview.timeline.labels import LABELS
from tools.lock import ROOT

CARD: Final = ROOT / "weights" / "MODEL_CARD.md"

Figures = Mapping[str, Any]
Lines = Iterator[str]

_BOTH: Final = "late fusion of both networks"
_VOICES: Final = (
    (_BOTH, "all eight corpora, 7 labels", "speakers"),
    ("the same, in simulated rooms", "the same", "speakers_in_room"),
    ("the same, by simulated telephone", "the same", "speakers_on_telephone"),
    (_BOTH, "RAVDESS, 8 labels, 5 folds by actor", "ravdess"),
    ("network over functionals", "RAVDESS, 8 labels", "ravdess_voice_clip"),
    ("network over ticks", "RAVDESS, 8 labels", "ravdess_voice_tcn"),
)
_CORPORA: Final = {
    "ased": ("ASED", "Amharic"),
    "emodb": ("EMO-DB", "German"),
    "ravdess": ("RAVDESS", "English"),
    "tess": ("TESS", "English"),
    "javanese": ("the Javanese corpus", "Javanese"),
    "korean": ("the Korean corpus", "Korean"),
    "nemo": ("nEMO", "Polish"),
    "turev": ("TurEV-DB", "Turkish"),
}
_CLIPS: Final = (
    ("face network, mean logits", "face_cnn"),
    ("face GRU", "face_gru"),
    ("voice network over ticks", "voice_tcn"),
    ("voice network over functionals", "voice_clip"),
    ("face: late fusion of its two", "late_face"),
    ("voice: late fusion of its two", "late_voice"),
    ("both: late fusion of the four", "late_both"),
    ("both: early fusion", "early"),
    ("face: with a baseline", "late_face_baseline"),
    ("voice: late fusion with a baseline", "late_voice_baseline"),
    ("both: late fusion, a baseline of the face alone", "late_both_face_baseline"),
    ("both: late fusion with a baseline", "late_both_baseline"),
)
_GAINS: Final = {"late_both": "late fusion", "late_both_baseline": "the same, with a baseline"}
_PEOPLE: Final = (
    ("voices, held-out speakers", "people"),
    ("clips, face", "late_face_people"),
    ("clips, voice", "late_voice_people"),
    ("clips, face and voice", "late_both_people"),
    ("the same, with a baseline", "late_both_baseline_people"),
)
_RECALLS_OF_VOICES: Final = {
    "voice, held-out speakers of all corpora": "speakers",
    "the same, in simulated rooms": "speakers_in_room",
    "the same, by simulated telephone": "speakers_on_telephone",
}
_RECALLS_OF_CLIPS: Final = {
    "clips, face": "late_face",
    "clips, voice": "late_voice",
    "clips, late fusion": "late_both",
    "clips, early fusion": "early",
    "clips, late fusion with a baseline": "late_both_baseline",
}


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _head(*cells: str) -> Lines:
    yield _row(*cells)
    yield "|" + "---|" * len(cells)


def _between(figure: Figures, *, digits: int = 1) -> str:
    low, high = figure["low"], figure["high"]
    return f"{figure['value']:.{digits}f} ({low:.{digits}f}{' to ' if low < 0 else '-'}{high:.{digits}f})"


def _figures(one: Figures) -> tuple[str, str, str, str]:
    return (
        _between(one["accuracy"]), _between(one["uar"]), f"{one['macro_f1']['value']:.1f}",
        f"{one['calibration_error']['value']:.3f}",
    )  # fmt: skip


def _voices(measured: Figures) -> Lines:
    yield from _head("model", "held-out speakers of", "accuracy", "UAR", "macro F1", "ECE")
    for model, people, key in _VOICES:
        yield _row(model, people, *_figures(measured[key]))


def _corpora(measured: Figures) -> Lines:
    asked = "unheard" in measured
    more = ("corpus never heard",) if asked else ()
    yield from _head("corpus", "language", "UAR", "ECE", "in simulated rooms", "by telephone", *more)
    means = [measured[f"languages{how}"]["mean_uar"] for how in ("", "_in_room", "_on_telephone")]
    error = measured["languages"]["mean_calibration_error"]["value"]
    unheard = (_between(measured["unheard"]["mean_uar"]),) if asked else ()
    yield _row(
        "mean", "each language counts the same", _between(means[0]), f"{error:.3f}",
        *(_between(mean) for mean in means[1:]), *unheard,
    )  # fmt: skip
    for key, (corpus, language) in _CORPORA.items():
        plain, *others = (measured[f"speakers_{key}{how}"] for how in ("", "_in_room", "_on_telephone"))
        unheard = (_between(measured[f"unheard_{key}"]["uar"]),) if asked else ()
        yield _row(
            corpus, language, _between(plain["uar"]), f"{plain['calibration_error']['value']:.3f}",
            *(_between(one["uar"]) for one in others), *unheard,
        )  # fmt: skip


def _clips(measured: Figures) -> Lines:
    yield from _head("model", "accuracy", "UAR", "macro F1", "ECE")
    for model, key in _CLIPS:
        if key in measured:
            yield _row(model, *_figures(measured[key]))


def _gains(measured: Figures) -> Lines:
    yield from _head("", "gain", "interval over clips", "interval over actors (there are eight)")
    for name, key in ((name, f"{key}_gain") for key, name in _GAINS.items()):
        gain = measured[key]
        cells = [f"{one['low']:.1f} to {one['high']:.1f}" for one in (gain["uar"], gain["uar_by_people"])]
        yield _row(name, f"{gain['uar']['value']:.1f}", *cells)


def _people(measured: Figures) -> Lines:
    yield from _head("", "people", "lowest", "tenth", "median", "ninetieth", "highest")
    for name, key in _PEOPLE:
        values = [one["value"] for one in measured[key]["uar"].values()] if key in measured else []
        if not values:
            continue
        spread = np.quantile(values, [0, 0.1, 0.5, 0.9, 1])
        yield _row(name, str(len(values)), *(f"{value:.0f}" for value in spread))


def _recalls(rows: Mapping[str, str], measured: Figures) -> Lines:
    yield from _head("", *LABELS)
    for name, key in rows.items():
        recalls = measured[key]["recalls"]
        yield _row(name, *(f"{recalls[label]['value']:.0f}" if label in recalls else "" for label in LABELS))


def _confusion(key: str, measured: Figures) -> Lines:
    figures = measured[key]
    yield from _head("true \\ predicted", *figures["labels"])
    for label, counts in zip(figures["labels"], figures["confusion"], strict=True):
        yield _row(label, *map(str, counts))


def _groups(measured: Figures) -> Lines:
    yield from _head(
        "", "pictures", "accuracy", "beyond its labels", "UAR", "mean confidence", "ECE", "by chance"
    )
    for attribute, groups in measured["shipped face network"]["groups"].items():
        for value, one in groups.items():
            yield _row(
                f"{attribute}: {value}", str(one["examples"]),
                _between(one["accuracy"]), _between(one["beyond"]),
                f"{one['uar']['value']:.1f}", f"{one['confidence']['value']:.1f}",
                f"{one['calibration_error']['value']:.3f}", f"{one['calibration_floor']:.3f}",
            )  # fmt: skip


Tables = Mapping[str, Callable[[Figures], Lines]]
"""Tables of the card by the name in their comments."""

OF_RUN: Final[Tables] = {
    "voices": _voices,
    "corpora": _corpora,
    "clips": _clips,
    "gains": _gains,
    "people": _people,
    "recalls of voices": partial(_recalls, _RECALLS_OF_VOICES),
    "recalls of clips": partial(_recalls, _RECALLS_OF_CLIPS),
    "confusion of voices": partial(_confusion, "speakers"),
    "confusion of clips": partial(_confusion, "late_both"),
}
OF_GROUPS: Final[Tables] = {"groups": _groups}


def filled(card: str, tables: Tables, measured: Figures) -> str:
    """Give the card with some of its tables as measured.

    Raises:
        ValueError: A table has no place in the card.
    """
    for name, lines in tables.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        table = "\n" + "\n".join(lines(measured)) + "\n\n"
        found = place.search(card)
        if found is None:
            raise ValueError(f"the card has no place for the table of {name}")
        card = card[: found.end(1)] + table + card[found.start(2) :]
    return card


def main(arguments: Sequence[str]) -> None:
    """Fill the card from a run folder or a file."""
    (place,) = map(Path, arguments)
    of_run = place.is_dir()
    files = [place / f"{name}_metrics.json" for name in ("voice", "fusion")] if of_run else [place]
    measured: dict[str, Any] = {}
    for file in files:
        measured |= json.loads(file.read_text("utf-8"))
    card = filled(CARD.read_text("utf-8"), OF_RUN if of_run else OF_GROUPS, measured)
    CARD.write_text(card, "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
