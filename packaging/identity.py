"""What the three systems are told about the program: its names, and the files that it opens."""

import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dcvsr_engine.video.suffixes import VIDEO_SUFFIXES  # noqa: E402

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NAME, VERSION, SUMMARY = PROJECT["name"], PROJECT["version"], PROJECT["description"]
TITLE = "DC-VSR Studio"
BUNDLE_ID = "studio.dcvsr.DCVSRStudio"
COPYRIGHT = "Apache License 2.0"
GPL_LIBRARIES = ("libx264", "libx265", "libreadline", "libgdbm")
"""Libraries under the GPL that Python and FFmpeg may bring along."""

MIME_TYPES = (
    "video/mp4", "video/x-matroska", "video/webm", "video/quicktime", "video/x-msvideo", "video/mpeg", "video/mp2t",
    "video/ogg", "video/x-ms-wmv", "video/x-ms-asf", "video/x-mjpeg", "video/x-flv", "video/3gpp", "video/3gpp2", "video/dv",
    "video/x-ogm+ogg", "application/mxf", "application/vnd.ms-asf", "application/vnd.rn-realmedia",
    "application/x-matroska", "image/gif", "inode/directory",
)  # fmt: skip
"""As Linux desktops name the files that can be opened."""


def gpl_parts(bundle: Path) -> list[str]:
    """Names of a bundle's files that are under the GPL."""
    return sorted(path.name for path in bundle.rglob("*") if path.name.startswith(GPL_LIBRARIES))


def licence(bundle: Path) -> str:
    """What a bundle as a whole is passed on under, in SPDX's words."""
    return f"Apache-2.0 AND {'GPL' if gpl_parts(bundle) else 'LGPL'}-3.0-or-later"


def info_plist() -> dict[str, Any]:
    """What macOS is told."""
    videos = {
        "CFBundleTypeName": "Video",
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": ["public.movie"],
        "CFBundleTypeExtensions": sorted(suffix[1:] for suffix in VIDEO_SUFFIXES),
    }
    folders = {
        "CFBundleTypeName": "Folder",
        "CFBundleTypeRole": "Viewer",
        "LSHandlerRank": "Alternate",
        "LSItemContentTypes": ["public.folder"],
    }
    return {
        "CFBundleDisplayName": TITLE,
        "CFBundleShortVersionString": VERSION,
        "CFBundleVersion": VERSION,
        "CFBundleDocumentTypes": [videos, folders],
        "CFBundleLocalizations": ["en", "zh_CN"],
        "LSApplicationCategoryType": "public.app-category.video",
        "LSMinimumSystemVersion": "13.0",
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": COPYRIGHT,
    }


def windows_version(program: str) -> str:
    """The version resource of one program, in the form that PyInstaller reads."""
    numbers = tuple(int(part) for part in VERSION.split(".")) + (0,) * (4 - len(VERSION.split(".")))
    texts = {
        "CompanyName": f"{TITLE} contributors",
        "FileDescription": TITLE,
        "FileVersion": VERSION,
        "InternalName": program,
        "LegalCopyright": COPYRIGHT,
        "OriginalFilename": f"{program}.exe",
        "ProductName": TITLE,
        "ProductVersion": VERSION,
    }
    strings = ", ".join(f"StringStruct({name!r}, {text!r})" for name, text in texts.items())
    return (
        f"VSVersionInfo(ffi=FixedFileInfo(filevers={numbers}, prodvers={numbers}, mask=0x3F, flags=0, OS=0x40004, fileType=1, "
        f"subtype=0, date=(0, 0)), kids=[StringFileInfo([StringTable('040904B0', [{strings}])]), "
        "VarFileInfo([VarStruct('Translation', [0x409, 1200])])])\n"
    )
