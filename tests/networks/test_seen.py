"""What runs remember of their training, stored, read back and handed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emoview.errors import InputError
from emoview.networks.seen import Seen, handed_on, note_seen, plain, read_seen
from tests.reading.damage import damaged_bytes, damaged_zip, survives


def _digest(number: int) -> str:
    return f"{number:064x}"[::-1]


ONE = Seen.of(map(_digest, range(40)), ["ravdess/01", "clip Train/Angry/ä.avi", None])
OTHER = Seen.of(map(_digest, range(30, 50)), ["02"])


def test_what_networks_learned_from_is_read_back(tmp_path: Path):
    assert read_seen(tmp_path) == {}
    note_seen(tmp_path, "one", ONE)
    note_seen(tmp_path, "other", OTHER)
    note_seen(tmp_path, "nobody", Seen.of([], None))
    assert read_seen(tmp_path) == {"one": ONE, "other": OTHER, "nobody": Seen()}
    # Gone on with, a network has learned from what it is shown now, too.
    note_seen(tmp_path, "other", Seen.of([_digest(99)], None))
    other = read_seen(tmp_path)["other"]
    assert other.people == OTHER.people
    assert len(other.digests) == 21


def test_a_large_record_is_small(tmp_path: Path):
    rng = np.random.default_rng(0)
    seen = Seen.of([rng.bytes(32).hex() for _ in range(10_000)], [f"{i:05d}" for i in range(200)])
    for name in ("a", "b", "c", "d"):
        note_seen(tmp_path, name, seen)
    assert (tmp_path / "seen.npz").stat().st_size < 70_000
    assert read_seen(tmp_path)["d"] == seen


def test_weights_hand_on_what_they_learned_from(tmp_path: Path):
    note_seen(tmp_path, "one", ONE)
    note_seen(tmp_path, "other", OTHER)
    assert handed_on(tmp_path, "one") == ONE
    assert handed_on(tmp_path / "other.keras") == OTHER
    assert handed_on(tmp_path) == ONE | OTHER
    for unknown in (tmp_path / "nowhere", tmp_path / "nowhere" / "a.keras"):
        assert handed_on(unknown, "one") == Seen(whole=False)
    note_seen(tmp_path, "tuned", OTHER | Seen(whole=False))
    assert not handed_on(tmp_path, "tuned").whole


def test_any_name_can_be_stored(tmp_path: Path):
    names = ["\udcff.avi", "a\0b", "x" * 5000, ""]
    note_seen(tmp_path, "one", Seen.of([], names))
    assert read_seen(tmp_path)["one"].people == set(map(plain, names))


def test_a_damaged_record_is_refused(tmp_path: Path):
    note_seen(tmp_path, "one", ONE)
    file = tmp_path / "seen.npz"
    whole = file.read_bytes()
    for damage in (damaged_bytes, damaged_zip):
        survives(file, damage, lambda: read_seen(tmp_path), times=60)
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="train again"):
        read_seen(tmp_path)
    np.savez(file, networks=np.array(["one"]), examples=np.zeros((3, 4), np.uint8))
    with pytest.raises(InputError, match="damaged at examples"):
        read_seen(tmp_path)
