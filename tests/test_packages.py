"""What is said of the packages that emoview brings: licences, the bill of materials, vulnerabilities."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tools import audit, sbom
from tools.licences import licence_of
from tools.lock import LOCK, ROOT, RUN_LOCK, group, project, read_lock
from tools.locks import UNUSED

NOTICES = (ROOT / "THIRD_PARTY_NOTICES.md").read_text("utf-8")
OUR_PAGE = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
ABOUT = project()
RUNTIME = [Requirement(each).name for each in ABOUT["dependencies"]]
OTHERS = sorted(
    {
        Requirement(each).name
        for extra in ("cluster", "ship", "dev")
        for each in ABOUT["optional-dependencies"][extra]
    }
)


def _name_of(requirement: str) -> str:
    return Requirement(requirement).name


def _listed(name: str, page: str) -> bool:
    """Whether a table has the package and, in its last column, its licence."""
    # Other versions of a package, for another Python, may say BSD for BSD-3-Clause.
    family = re.escape(licence_of(name).split("-")[0])
    return re.search(rf"^\| {re.escape(name)} \|.*\| {family}[^|]*\|$", page, re.MULTILINE) is not None


@pytest.mark.parametrize("name", RUNTIME)
def test_the_notices_name_each_package_that_comes_along(name: str):
    assert _listed(name, NOTICES)


@pytest.mark.parametrize("name", RUNTIME + OTHERS)
def test_the_table_of_dependencies_has_the_licence_of_the_metadata(name: str):
    assert _listed(name, OUR_PAGE)


def test_what_limits_the_use_is_named():
    for words in ("audEERING Research License Agreement", "GPL version 3 or later", "non-commercial"):
        assert words in NOTICES
    assert "Research License" in metadata.metadata("opensmile")["License"]


def test_the_lock_is_read_whole():
    packages = read_lock()
    text = (ROOT / "requirements-dev.lock").read_text("utf-8")
    assert len(packages) == len(re.findall(r"^[a-z0-9].*==", text, re.MULTILINE))
    assert sum(len(package.hashes) for package in packages) == text.count("--hash=")
    assert all(package.wanted_by for package in packages)
    wanted = {package.name for package in packages if "emoview" in package.wanted_by}
    assert wanted | UNUSED >= set(RUNTIME)


@pytest.mark.parametrize(
    ("lock", "unused", "asked"),
    [(LOCK, UNUSED, RUNTIME), (RUN_LOCK, UNUSED, [Requirement(one).name for one in group("run")])],
)
def test_smaller_locks_are_parts_of_the_whole(lock: Path, unused: frozenset[str], asked: list[str]):
    every, some = read_lock(), read_lock(lock)
    assert set(some) < set(every)
    names = {package.name for package in some}
    assert set(asked) - unused <= names
    assert not names & unused
    # Whatever is there is asked for by the package, or by something else that is there.
    assert all({"emoview", *names} & set(package.wanted_by) for package in some)


def test_analysing_needs_no_package_for_training():
    names = {package.name for package in read_lock(RUN_LOCK)}
    assert not names & {"tensorflow", "keras", "librosa", "jax", "numba", "scikit-learn", "mediapipe"}
    assert {name for name in map(_name_of, group("run")) if name not in set(RUNTIME)} == set()


def test_the_bill_of_materials_is_valid_and_complete(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    packages = read_lock()
    text = sbom.bill_of_materials(packages)
    sbom.check(text, packages)
    assert text == sbom.bill_of_materials(packages)
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "emoview"
    assert "https://" not in json.dumps(bill["components"])
    with pytest.raises(ValueError, match="numpy"):
        sbom.check(text, [package for package in packages if package.name != "numpy"])
    with pytest.raises(ValueError, match="not valid"):
        sbom.check(text.replace('"type": "library"', '"type": "book"'), packages)


def _answer(*packages: dict) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


def test_a_vulnerability_fails_the_audit_and_no_network_does_not():
    fine = {"name": "numpy", "version": "1.26.4", "vulns": []}
    unknown = {"name": "typer", "skip_reason": "not found"}
    bad = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "GHSA-1", "fix_versions": ["3.1.6"]}]}
    code, said = audit.judge(_answer(fine, bad, unknown), "")
    assert code == 1
    assert "jinja2 3.1.0: GHSA-1, fixed in ['3.1.6']" in said
    assert audit.judge(_answer(fine, unknown), "") == (
        0, "audit: 1 packages looked up, 1 unknown, 0 vulnerabilities",
    )  # fmt: skip
    assert audit.judge(_answer(unknown), "")[0] == 0
    assert "nothing was looked up" in audit.judge(_answer(unknown), "")[1]
    assert audit.judge("", "requests.exceptions.ConnectionError: …") == (
        0, "audit: no network, so nothing was looked up",
    )  # fmt: skip
    assert audit.judge("", "pip-audit: error: unknown option")[0] == 1


def test_onnx_runtime_leaves_no_identifier(tmp_path: Path):
    code = (
        "import emoview; from emoview.pipeline.models import Models; Models().face_cnn; "
        "import sys; assert 'onnxruntime' in sys.modules"
    )
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    left = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**left, **home})
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name or path.name == "deviceid"]
