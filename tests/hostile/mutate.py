"""Damage of every sort, decided by a generator of random numbers alone."""

from __future__ import annotations

import copy
import json
import random
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

_NUMBERS = [
    "nan",
    "inf",
    "-inf",
    "-1",
    "0",
    "1e400",
    "-1e308",
    "1e-320",
    "9007199254740993",
    "99999999999999999999",
    "0x10",
    "1_000",
    "1,5",
    "--1",
    "1e5",
    "٣",
    "½",
    "-0.0",
    "4294967296",
    "2147483648",
    "1e9",
    "86400000",
]
_WORDS = (
    "", " ", "\0", "\ufeff", "null", "None", "true", "../../../etc/passwd", "/dev/zero", "/", ".", "..", "~",
    "x" * 5000, "é", "e\u0301", "\u202e", "\x1b[31m", "%s%s%n", "${HOME}", "{{7*7}}", "<b>", '"', "'", "\\",
    "happy", "HAPPY", "contempt", "s3://bucket/x", "http://127.0.0.1:9/x", "memory://x", "file:///etc/hostname",
    "a\nb", "a\rb", "\t", ",", ";", "=1+1", "con", "🙂", "\ud7ff",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 1.5, -0.5, 1e308, float("nan"), float("inf"), 10**30, -(2**63), 2**31,
    "", "x", "1", "happy", [], {}, [[]], [None], {"a": None}, "\ud800", "x" * 3000, [0] * 300,
)  # fmt: skip
_BYTES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\n", b"\r", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3", b"\x1a")
_DEPTH = 3000

Change = Callable[[bytes, random.Random], bytes]


def _place(data: bytes, chance: random.Random) -> int:
    """Choose a place; the head of a file decides about most, so it is chosen more often."""
    reach = min(len(data), 256) if chance.random() < 0.4 else len(data)
    return chance.randrange(max(1, reach))


def _flip(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data or b"\0")
    for _ in range(chance.choice((1, 1, 2, 8, 64))):
        changed[_place(changed, chance)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _put(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    new = chance.choice(_BYTES) * chance.choice((1, 2, 4, 100))
    return data[:at] + new + data[at + len(new) * chance.randrange(2) :]


def _number(data: bytes, chance: random.Random) -> bytes:
    """Overwrite a field with a number at a border."""
    kind = chance.choice((">I", "<I", ">H", "<H", ">Q", "<Q"))
    bits = 8 * struct.calcsize(kind)
    value = chance.choice((0, 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, 2**bits - 1, 2 ** (bits // 2)))
    at = _place(data, chance)
    return data[:at] + struct.pack(kind, value) + data[at + bits // 8 :]


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _remove(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    return data[:at] + data[at + chance.choice((1, 2, 4, 16, 188, 1000, 10_000)) :]


def _repeat(data: bytes, chance: random.Random) -> bytes:
    at = _place(data, chance)
    part = data[at : at + chance.choice((1, 4, 16, 188, 1000, 20_000))]
    return data[:at] + part * chance.choice((2, 3, 50)) + data[at:]


def _swap(data: bytes, chance: random.Random) -> bytes:
    a, b, c = sorted(chance.randrange(len(data) + 1) for _ in range(3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def _zero(data: bytes, chance: random.Random) -> bytes:
    at, length = _place(data, chance), chance.choice((4, 64, 1000, 50_000))
    return data[:at] + bytes(min(length, len(data) - at)) + data[at + length :]


_ON_BYTES: tuple[Change, ...] = (_flip, _flip, _put, _number, _number, _cut, _remove, _repeat, _swap, _zero)


def mutated_bytes(data: bytes, chance: random.Random) -> bytes:
    """Damage bytes once or a few times."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(_ON_BYTES)(data, chance)
    return data


def mutated_text(data: bytes, chance: random.Random) -> bytes:
    """Damage text where it has meaning: in its numbers, words, lines and separators."""
    text = data.decode("utf-8", "surrogateescape")
    for _ in range(chance.choice((1, 1, 2, 3))):
        text = chance.choice((_odd_number, _odd_word, _odd_line, _odd_separator, _odd_number))(text, chance)
    return text.encode("utf-8", "surrogatepass" if "\ud7ff" not in text else "replace")


def _replace_one(pattern: str, text: str, new: str, chance: random.Random) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text + new
    chosen = chance.choice(found)
    return text[: chosen.start()] + new + text[chosen.end() :]


def _odd_number(text: str, chance: random.Random) -> str:
    return _replace_one(r"-?\d+(\.\d+)?", text, chance.choice(_NUMBERS), chance)


def _odd_word(text: str, chance: random.Random) -> str:
    return _replace_one(r"[^\W\d_]+", text, chance.choice(_WORDS), chance)


def _odd_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    how = chance.randrange(5)
    if how == 0:
        del lines[at]
    elif how == 1:
        lines.insert(at, chance.choice(lines))
    elif how == 2:
        lines[at] = chance.choice(_WORDS)
    elif how == 3:
        lines[at] = lines[at][: len(lines[at]) // 2]
    else:
        chance.shuffle(lines)
    return "\n".join(lines)


def _odd_separator(text: str, chance: random.Random) -> str:
    pairs = (
        (",", ";"),
        (",", "\t"),
        ("\n", "\r"),
        ("\n", "\r\n"),
        (",", ",,"),
        ("=", ":"),
        ("\n", ""),
        ('"', "'"),
    )
    old, new = chance.choice(pairs)
    return text.replace(old, new, chance.choice((1, 1, -1)))


def mutated_json(data: bytes, chance: random.Random) -> bytes:
    """Damage a JSON document where it has meaning: its values, keys and kinds."""
    document = json.loads(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        document = _changed(document, chance)
    text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
    if chance.random() < 0.02:
        text = "[" * _DEPTH + text + "]" * _DEPTH
    return text.encode("utf-8", "surrogatepass")


def _changed(document: Any, chance: random.Random) -> Any:
    document = copy.deepcopy(document)
    holder, key = {"": document}, ""
    # Walk down some way, so that what stands near the root changes as often as the many leaves.
    node: Any = document
    path: Any = holder
    while isinstance(node, dict | list) and node and chance.random() < 0.85:
        path = node
        key = chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))  # type: ignore[assignment]
        node = node[key]  # type: ignore[index]
    how = chance.randrange(6)
    if how == 0:
        del path[key]
    elif how == 1 and isinstance(path, list):
        path.insert(int(key), copy.deepcopy(chance.choice(path)))
    elif how == 2 and isinstance(path, dict):
        path[chance.choice(("", "x", "labels", "tick", "__class__", "self", "\ud800"))] = chance.choice(
            _VALUES
        )
    elif how == 3 and isinstance(node, int | float) and not isinstance(node, bool):
        path[key] = chance.choice((-node, node + 1, node * 1000, str(node), [node], node + 0.5))
    else:
        path[key] = chance.choice(_VALUES)
    return holder.get("") if path is holder else document


def mutated_tree(folder: Path, chance: random.Random) -> str:
    """Damage one file of a folder; tells which, and how."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = chance.choice(files)
    # What is a link becomes a file of its own: nothing outside the folder is to be damaged.
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(data)
    how = chance.random()
    if how < 0.85:
        _mutate_file(path, chance)
        return f"changed {path.name}"
    if how < 0.89:
        path.unlink()
        return f"removed {path.name}"
    if how < 0.92:
        path.write_bytes(b"")
        return f"emptied {path.name}"
    if how < 0.94:
        path.unlink()
        path.mkdir()
        return f"made a folder of {path.name}"
    if how < 0.96:
        path.unlink()
        path.symlink_to(path.name)
        return f"made a loop of {path.name}"
    other = chance.choice(files)
    if how < 0.98 and other != path:
        shutil.copyfile(other, path)
        return f"put {other.name} in place of {path.name}"
    path.rename(path.with_name(chance.choice(("x", "-i", "a b", "é.png", "=1.csv", ".hidden"))))
    return f"renamed {path.name}"


def _mutate_file(path: Path, chance: random.Random) -> None:
    data = path.read_bytes()
    textual = path.suffix.lower() in {".csv", ".txt", ".toml", ".json", ".eaf", ".md"}
    if path.suffix == ".json" and chance.random() < 0.75:
        path.write_bytes(mutated_json(data, chance))
    elif textual and chance.random() < 0.75:
        path.write_bytes(mutated_text(data, chance))
    else:
        path.write_bytes(mutated_bytes(data, chance))
