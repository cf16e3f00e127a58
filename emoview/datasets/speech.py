"""Labelled recordings of speech, from an index or from the file names of known corpora."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from emoview.datasets.files import files_within
from emoview.datasets.names import listed
from emoview.datasets.tables import read_table
from emoview.errors import DatasetError
from emoview.media.endings import SOUND
from emoview.timeline.labels import VOICE_LABELS

SpeechLayout = Literal["auto", "index", "ravdess", "tess", "emodb", "crema-d", "savee"]

NOT_SPEECH = "nv_"
"""How labels of voices that do not speak begin, such as laughing; no emotion is learned from them."""
_SENTENCE = re.compile(r"(^|;)sentence=(?P<name>[^;]+)")


@dataclass(frozen=True)
class Utterance:
    """One recording of a speech corpus.

    Attributes:
        path: The recording.
        corpus: Its corpus, such as `ravdess`.
        speaker: As the corpus calls them.
        label: One of `VOICE_LABELS`.
        language: As the index names it; empty where it does not.
        sentence: What is said, as the index names it; empty where it does not.
    """

    path: Path
    corpus: str
    speaker: str
    label: str
    language: str = ""
    sentence: str = ""

    @property
    def person(self) -> str:
        """The speaker, told apart from equally named ones of other corpora."""
        return f"{self.corpus}/{self.speaker}"


@dataclass(frozen=True)
class _Naming:
    """How a corpus names its files: a pattern with `speaker` and `label`, and what the labels mean."""

    pattern: re.Pattern[str]
    labels: Mapping[str, str]

    def read(self, path: Path, corpus: str) -> Utterance | None:
        """Read the last folder and the name of `path`; None where they do not fit."""
        found = self.pattern.search(f"{path.parent.name}/{path.stem}")
        if found is None:
            return None
        speaker = found["speaker"].upper()
        return Utterance(path, corpus, _SPEAKERS.get(speaker, speaker), self.labels[found["label"].lower()])


def _naming(pattern: str, labels: Mapping[str, str]) -> _Naming:
    # The longest first: `sa` and `su` must not be taken for another's `s`.
    words = "|".join(sorted(labels, key=len, reverse=True))
    return _Naming(re.compile(pattern.replace("LABEL", f"(?P<label>{words})"), re.IGNORECASE), labels)


_NAMINGS = {
    # Livingstone & Russo 2018, PLoS ONE 13, e0196391: modality, channel (01 speech, 02 song), emotion,
    # intensity, sentence, take, actor.
    "ravdess": _naming(
        r"/0[1-3]-0[12]-LABEL-\d\d-\d\d-\d\d-(?P<speaker>\d\d)$",
        {"01": "neutral", "02": "calm", "03": "happy", "04": "sad", "05": "anger", "06": "fear",
         "07": "disgust", "08": "surprise"},
    ),
    # Pichora-Fuller & Dupuis 2020, doi:10.5683/SP2/E8H2MF; `ps` is a pleasant surprise. Two files of the
    # set have digits about their names.
    "tess": _naming(
        r"/(\d+test)?(?P<speaker>[OY]AF|OA)_[a-z]+_LABEL\d*$",
        {"neutral": "neutral", "angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "happy",
         "sad": "sad", "ps": "surprise"},
    ),
    # Burkhardt et al. 2005, Interspeech, pp. 1517-1520: speaker, sentence, emotion in German, take.
    "emodb": _naming(
        r"/(?P<speaker>\d\d)[ab]\d\dLABEL[a-z]?$",
        {"w": "anger", "l": "boredom", "e": "disgust", "a": "fear", "f": "happy", "t": "sad", "n": "neutral"},
    ),
    # Cao et al. 2014, IEEE Transactions on Affective Computing 5, 377-390.
    "crema-d": _naming(
        r"/(?P<speaker>1\d{3})_[a-z]{3}_LABEL_[a-z]{1,2}$",
        {"ang": "anger", "dis": "disgust", "fea": "fear", "hap": "happy", "neu": "neutral", "sad": "sad"},
    ),
    # Jackson & Haq 2014, University of Surrey; the speaker is part of the name or the folder.
    "savee": _naming(
        r"(^|/)(?P<speaker>DC|JE|JK|KL)[_/]LABEL\d\d$",
        {"a": "anger", "d": "disgust", "f": "fear", "h": "happy", "n": "neutral", "sa": "sad",
         "su": "surprise"},
    ),
}  # fmt: skip
# One file of TESS spells its speaker differently.
_SPEAKERS = {"OA": "OAF"}
# Songs of RAVDESS lie beside its speech.
_SONG = re.compile(r"/0[1-3]-02(-\d\d){5}$")


def read_speech(folder: Path, *, layout: SpeechLayout = "auto", songs: bool = False) -> tuple[Utterance, ...]:
    """Read which recordings a folder holds, who speaks in each, and with which label.

    Args:
        folder: Holds `index.csv` (path, corpus, speaker, label; others are ignored), or recordings, at
            any depth, named as in RAVDESS, TESS, EMO-DB, CREMA-D or SAVEE.
        layout: The one there is; `auto` takes the index where there is one, and otherwise recognises
            every name by itself.
        songs: Take those of RAVDESS, too.

    Raises:
        DatasetError: Something does not fit; the message names the line or the file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; name the one that holds the recordings.")
    if layout == "index" or (layout == "auto" and (folder / "index.csv").is_file()):
        return read_speech_index(folder)
    if layout != "auto" and layout not in _NAMINGS:
        known = listed(["auto", "index", *_NAMINGS])
        raise DatasetError(f"There is no layout {layout!r}, only {known}; name one of these.")
    corpora = tuple(_NAMINGS) if layout == "auto" else (layout,)
    found = [_named(path, corpora) for path in sorted(files_within(folder)) if _is_asked_for(path, songs)]
    if not found:
        raise DatasetError(f"{folder} holds neither index.csv nor recordings; put either there.")
    return tuple(found)


def read_speech_index(folder: Path, *, check_files: bool = True) -> tuple[Utterance, ...]:
    """Read `index.csv` of a speech folder, in its order.

    Args:
        folder: Holds the index and the recordings.
        check_files: Refuse lines whose recording is not there.
    """
    utterances = []
    for row in read_table(folder / "index.csv", ["path", "corpus", "speaker", "label"]):
        for column in ("corpus", "speaker"):
            if not row[column]:
                raise row.error(f"the {column} is empty; fill it in, for nobody may be on both sides.")
        if row["label"].startswith(NOT_SPEECH):
            continue
        path = row.file() if check_files else folder / row["path"]
        label = row.label(labels=VOICE_LABELS)
        said = _SENTENCE.search(row.get("extra") or "")
        utterances.append(
            Utterance(
                path, row["corpus"], row["speaker"], label,
                language=row.get("language") or "", sentence=said["name"] if said else "",
            )
        )  # fmt: skip
    if not utterances:
        raise DatasetError(f"{folder / 'index.csv'} names no recordings; add some.")
    return tuple(utterances)


def is_sound(path: Path) -> bool:
    """Tell whether a path is a recording, by its ending."""
    return path.suffix.lower() in SOUND and not path.name.startswith(".") and path.is_file()


def _is_asked_for(path: Path, songs: bool) -> bool:
    if not is_sound(path):
        return False
    return songs or _SONG.search(f"/{path.stem}") is None


def _named(path: Path, corpora: tuple[str, ...]) -> Utterance:
    for corpus in corpora:
        utterance = _NAMINGS[corpus].read(path, corpus)
        if utterance is not None:
            return utterance
    raise DatasetError(
        f"{path} is not named as in {' or '.join(corpora)}; rename it, take it out, or write an index.csv."
    )
