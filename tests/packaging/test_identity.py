"""What the three systems are told."""

import plistlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import identity
import pytest
from PySide6.QtCore import QMimeDatabase

from dcvsr_engine import __version__
from dcvsr_engine.video.suffixes import VIDEO_SUFFIXES

TEMPLATES = identity.ROOT / "packaging" / "linux"
NAMES = ("VSVersionInfo", "FixedFileInfo", "StringFileInfo", "StringTable", "StringStruct", "VarFileInfo", "VarStruct")


def recorder(name: str) -> Callable[..., Any]:
    return lambda *values, **facts: (name, values, facts)


def test_one_version_everywhere():
    assert __version__ == identity.VERSION


def test_linux_opens_all_kinds_of_clips():
    database = QMimeDatabase()
    for suffix in VIDEO_SUFFIXES - {".m2v", ".y4m"}:  # kinds that the shared database does not know
        kinds = database.mimeTypesForFileName(f"clip{suffix}")
        names = {name for kind in kinds for name in (kind.name(), *kind.aliases(), *kind.allAncestors())}
        assert names & set(identity.MIME_TYPES), suffix


def test_macos_property_list():
    facts = plistlib.loads(plistlib.dumps(identity.info_plist()))
    videos = facts["CFBundleDocumentTypes"][0]
    assert {f".{name}" for name in videos["CFBundleTypeExtensions"]} == VIDEO_SUFFIXES


def test_windows_version_resource():
    kind, _, facts = eval(identity.windows_version("dcvsr"), {name: recorder(name) for name in NAMES})
    assert kind == "VSVersionInfo" and len(facts["ffi"][2]["filevers"]) == 4
    table = facts["kids"][0][1][0][0]
    assert ("StringStruct", ("OriginalFilename", "dcvsr.exe"), {}) in table[1][1]


def test_windows_installer_offers_the_same_kinds():
    script = (identity.ROOT / "packaging" / "windows" / "dcvsr-studio.iss").read_text(encoding="utf-8")
    assert set(re.findall(r'SupportedTypes"; .*ValueName: "(\.\w+)"', script)) == VIDEO_SUFFIXES


def test_linux_templates_are_filled(tmp_path):
    deb = pytest.importorskip("deb")
    values = {
        "MIME_TYPES": "a;b;",
        "MEDIA_TYPES": "<mediatype>a</mediatype>",
        "BUNDLE_ID": "x.y.Z",
        "LICENCE": "Apache-2.0",
        "VERSION": "1",
        "DATE": "2026-01-01",
    }
    for template in TEMPLATES.glob("*.in"):
        text = deb.fill(template, tmp_path / template.stem, values).read_text(encoding="utf-8")
        assert "@" not in text
        if template.stem.endswith(".xml"):
            assert ET.fromstring(text).find("id").text == "x.y.Z"
        else:
            assert "MimeType=a;b;\n" in text
