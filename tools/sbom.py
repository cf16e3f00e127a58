"""Write the bill of materials of the lock as CycloneDX JSON: `python -m tools.sbom dist/emoview.cdx.json`."""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from tools.licences import licence_of
from tools.lock import DEV_LOCK, Locked, project, read_lock

_FACTORY = LicenseFactory()


def bill_of_materials(packages: list[Locked]) -> str:
    """List packages with their hashes, licences and dependencies.

    With SOURCE_DATE_EPOCH set, the same lock gives the same text.
    """
    about = project()
    root = Component(
        name=about["name"], version=about["version"], type=ComponentType.APPLICATION,
        bom_ref=about["name"], licenses=[_FACTORY.make_from_string(about["license"])],
    )  # fmt: skip
    components = {package: _component(package) for package in packages}
    bom = Bom(
        components=components.values(), serial_number=uuid.uuid5(uuid.NAMESPACE_OID, DEV_LOCK.read_text())
    )
    bom.metadata.component = root
    if epoch := os.environ.get("SOURCE_DATE_EPOCH"):
        bom.metadata.timestamp = datetime.fromtimestamp(int(epoch), timezone.utc)
    for name, component in [(about["name"], root), *((p.name, c) for p, c in components.items())]:
        bom.register_dependency(component, [c for p, c in components.items() if name in p.wanted_by])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def check(text: str, packages: list[Locked]) -> None:
    """Hold a bill of materials against its schema and against the lock.

    Raises:
        ValueError: It is not valid, or not complete.
    """
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise ValueError(f"the bill of materials is not valid: {wrong}")
    listed = {
        (
            component["name"],
            component["version"],
            tuple(sorted(each["content"] for each in component["hashes"])),
        )
        for component in json.loads(text)["components"]
    }
    missing = {(p.name, p.version, tuple(sorted(p.hashes))) for p in packages} ^ listed
    if missing:
        raise ValueError(
            f"the bill of materials and the lock differ in {sorted(name for name, *_ in missing)}"
        )


def _component(package: Locked) -> Component:
    url = PackageURL("pypi", name=package.name, version=package.version)
    try:
        same = metadata.version(package.name) == package.version
    except metadata.PackageNotFoundError:
        same = False
    # Another Python's version cannot be asked for its licence.
    licences = [_FACTORY.make_from_string(licence_of(package.name))] if same else []
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes]
    return Component(
        name=package.name, version=package.version, type=ComponentType.LIBRARY, purl=url, bom_ref=str(url),
        licenses=licences, hashes=hashes,
    )  # fmt: skip


def main(target: Path) -> None:
    """Write the bill of materials, once it is known to be right."""
    packages = read_lock()
    text = bill_of_materials(packages)
    check(text, packages)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    print(f"{target}: {len(packages)} packages, valid CycloneDX 1.6")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
