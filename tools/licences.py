"""The licence of an installed package, as its metadata and its licence file tell it."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Final

# The metadata of opensmile calls itself MIT in one place and holds this licence in another. This one is
# also that of the licence file.  opencv-python is not installed: opencv-contrib-python has all of its files.
_KNOWN: Final = {"opensmile": "audEERING Research License Agreement", "opencv-python": "Apache-2.0"}

_SPDX: Final = {
    "apache 2.0": "Apache-2.0", "apache license 2.0": "Apache-2.0", "apache software license": "Apache-2.0",
    "mit license": "MIT", "isc license": "ISC", "isc license (iscl)": "ISC", "bsd license": "BSD",
    "bsd 3-clause": "BSD-3-Clause", "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause", "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "python software foundation license": "PSF-2.0", "psfl": "PSF-2.0",
}  # fmt: skip
_TEXTS: Final = (
    ("Permission is hereby granted, free of charge", "MIT"),
    ("Apache License, Version 2.0", "Apache-2.0"),
    ("Apache License\n", "Apache-2.0"),
)


def licence_of(name: str) -> str:
    """Name the licence of an installed package, by its SPDX identifier where it has one.

    Raises:
        PackageNotFoundError: It is not installed.
        ValueError: Neither its metadata nor its licence file tell.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    package = metadata.distribution(name)
    about = package.metadata
    if expressions := about.get_all("License-Expression"):
        return str(expressions[0])
    stated = str((about.get_all("License") or [""])[0])
    # Some packages put the whole text there.
    if stated not in ("", "UNKNOWN") and len(stated) < 30 and not stated.startswith("Copyright"):
        return _SPDX.get(stated.lower(), stated)
    classifiers = about.get_all("Classifier") or []
    kinds = [str(kind).split(" :: ")[-1] for kind in classifiers if kind.startswith("License ::")]
    if kinds:
        return _SPDX.get(kinds[-1].lower(), kinds[-1])
    files = [
        file for file in package.files or [] if re.search(r"licen[cs]e|copying", file.name, re.IGNORECASE)
    ]
    for text in (stated, *(file.read_text() for file in files)):
        for words, licence in _TEXTS:
            if words in text:
                return licence
    raise ValueError(f"the metadata of {name} tell no licence: look it up and add it to _KNOWN")
