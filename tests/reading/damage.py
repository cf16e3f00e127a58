"""Damaged files, drawn from a seed: what a disk, an editor or somebody with bad intent makes of them."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from emoview.errors import EmoviewError

EXTREMES = (
    None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, -1e308, 2**31, 2**63, 2**64, 10**400, 10**5000,
    float("nan"), float("inf"), "", "x", "nan", "1e999", "\ud800", "\0", "../../etc/passwd", "a" * 5000,
    "ä\u202e\n", [], {}, [[]], [None], {"": None}, [1, 2], {"a": 1}, [[[[1]]]],
)  # fmt: skip
WHOLE = (
    b"", b"\0" * 100, b"null", b"[]", b"{}", b"1", b'"x"', b"\xff\xfe\x00", b"[" * 200_000,
    b'{"a":' * 100_000, b"\xef\xbb\xbf", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY", b"\x89PNG\r\n\x1a\n",
    b"\n\n\n", b"," * 100, b'"' + b"a" * 200_000,
)  # fmt: skip
CELLS = (
    "nan", "inf", "-1", "1e999", "", '"', "9" * 5000, "a" * 140_000, "\0", "../x", "x/../../y", "ä", "0x10",
    "1_0", " ",
)  # fmt: skip


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    """Flip, cut, repeat, insert or replace bytes."""
    kind = rng.randrange(7)
    data = bytearray(content)
    at = rng.randrange(len(data) + 1)
    length = rng.choice((1, 1, 4, 50, len(data) // 3))
    if kind == 0:
        for _ in range(rng.choice((1, 1, 5, 100))):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[at:]
    elif kind == 2:
        del data[at : at + length]
    elif kind == 3:
        data[at:at] = data[at : at + length]
    elif kind == 4:
        data[at:at] = rng.randbytes(length)
    elif kind == 5:
        return rng.choice(WHOLE)
    else:
        return content.decode("latin-1").encode(rng.choice(("utf-16", "utf-8-sig", "utf-32")))
    return bytes(data)


def damaged_json(content: bytes, rng: random.Random) -> bytes:
    """Take away, repeat, swap or replace values of JSON; some are damaged as bytes."""
    if rng.random() < 0.25:
        return damaged_bytes(content, rng)
    value = json.loads(content)
    for _ in range(rng.choice((1, 1, 1, 3))):
        value = _changed(value, rng)
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):
        return b'{"a":' * 10_000
    return text.encode()


def _changed(value: Any, rng: random.Random) -> Any:
    root = [copy.deepcopy(value)]
    places: list[tuple[Any, Any]] = list(_places(root))
    # Long lists hold most of the places, but are no more than one kind.
    deep = [(c, k) for c, k in places if not isinstance(c, list) or len(c) < 20 or k < 2]
    container, key = rng.choice(deep)
    kind = rng.randrange(6)
    if kind == 0 and container is not root:
        del container[key]
    elif kind == 1 and isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    elif kind == 2:
        other, name = rng.choice(deep)
        container[key] = copy.deepcopy(other[name])
    elif kind == 3 and isinstance(container[key], (int, float)) and abs(container[key]) < 1e9:
        container[key] = rng.choice((-1, 1e-9, 1e6, 1e300, 2**40)) * (container[key] or 1)
    elif kind == 4 and isinstance(container[key], dict):
        container[key][rng.choice(("x", "", "label", "\ud800", "1"))] = rng.choice(EXTREMES)
    else:
        container[key] = copy.deepcopy(rng.choice(EXTREMES))
    return root[0]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, inner in pairs:
        yield value, key
        if isinstance(inner, (dict, list)):
            yield from _places(inner)


def damaged_table(content: bytes, rng: random.Random) -> bytes:
    """Take away, repeat or replace cells of a table; some are damaged as bytes."""
    if rng.random() < 0.3:
        return damaged_bytes(content, rng)
    rows = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(rng.choice((1, 1, 3))):
        row = rng.choice(rows)
        cell = rng.randrange(len(row)) if row else 0
        kind = rng.randrange(4)
        if kind == 0 and row:
            del row[cell]
        elif kind == 1 and row:
            row.insert(cell, row[cell])
        elif kind == 2:
            row[cell : cell + 1] = [rng.choice(CELLS)]
        else:
            rows.insert(rng.randrange(len(rows) + 1), list(row))
    return "\n".join(",".join(row) for row in rows).encode()


def damaged_zip(content: bytes, rng: random.Random) -> bytes:
    """Damage a member of an archive, its name, or the archive's bytes."""
    if rng.random() < 0.4:
        return damaged_bytes(content, rng)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        names = old.namelist()
        chosen = rng.choice(names)
        how = rng.randrange(4)
        for name in names:
            data = old.read(name)
            if name == chosen:
                if how == 0:
                    continue
                if how == 1:
                    name = rng.choice(("../../x", "/etc/x", "", "x" * 300, name + "/", name.upper()))
                else:
                    data = (damaged_json if name.endswith(".json") else damaged_bytes)(data, rng)
            new.writestr(name or "-", data)
    return packed.getvalue()


def survives(
    file: Path,
    damage: Callable[[bytes, random.Random], bytes],
    read: Callable[[], object],
    *,
    times: int,
    seed: int = 1,
    messages: set[str] | None = None,
) -> int:
    """Read a file damaged in many ways; anything but a reading or a sentence fails.

    Returns:
        How often it was read, all the same.
    """
    sound = file.read_bytes()
    readings = 0
    read()
    for number in range(times):
        rng = random.Random(f"{seed}-{number}")
        file.write_bytes(damage(sound, rng))
        said = ""
        try:
            read()
        except EmoviewError as error:
            said = str(error)
        except Exception as error:
            kept = Path("/tmp") / f"damaged-{number}-{file.name}"
            kept.write_bytes(file.read_bytes())
            raise AssertionError(f"{type(error).__name__} in round {number}: {error}; see {kept}") from error
        readings += not said
        # One sentence, which does not repeat what may be megabytes.
        assert "\n" not in said
        assert len(said) < 1000
        if messages is not None:
            messages.add(said)
    file.write_bytes(sound)
    return readings
