"""Ask for known vulnerabilities of what the lock pins for this Python: `python -m tools.audit`.

A vulnerability ends it with 1.  Where nobody can be asked, it says so in a line and ends with 0.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, Final

from tools.lock import DEV_LOCK

_ANSWER_S: Final = 10
_LONGEST_S: Final = 180
# What pip-audit and the libraries below it say when the other side cannot be reached.
_UNREACHABLE: Final = (
    "ConnectionError",
    "Could not connect",
    "Max retries exceeded",
    "timed out",
    "ServiceError",
)


def judge(answer: str, complaint: str) -> tuple[int, str]:
    """Turn what pip-audit wrote into an exit code and what to tell."""
    try:
        packages: list[dict[str, Any]] = json.loads(answer)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        if any(words in complaint for words in _UNREACHABLE):
            return 0, "audit: no network, so nothing was looked up"
        return 1, f"audit: pip-audit failed\n{complaint.strip()}"
    found = [
        f"{package['name']} {package['version']}: {each['id']}, fixed in {each['fix_versions'] or 'none'}"
        for package in packages
        for each in package.get("vulns", [])
    ]
    unknown = sum("skip_reason" in package for package in packages)
    if unknown == len(packages):
        return 0, "audit: the package index tells nothing of vulnerabilities, so nothing was looked up"
    known = len(packages) - unknown
    said = f"audit: {known} packages looked up, {unknown} unknown, {len(found)} vulnerabilities"
    return int(bool(found)), "\n".join([*found, said])


def main() -> int:
    """Run pip-audit; return the exit code."""
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(DEV_LOCK), "--disable-pip",
        "--format", "json",
        "--progress-spinner", "off", "--timeout", str(_ANSWER_S),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        print(f"audit: no answer within {_LONGEST_S} s, so nothing was looked up")
        return 0
    code, said = judge(done.stdout, done.stderr)
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
