"""Makes a Debian package of a built bundle. Used by ``build.py --deb``; needs appstream."""

import gzip
import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import icons
from identity import BUNDLE_ID, MIME_TYPES, NAME, ROOT, SUMMARY, TITLE, VERSION, licence
from PyInstaller.depend.bindepend import get_imports

TEMPLATES = ROOT / "packaging" / "linux"
SCALABLE = ROOT / "resources" / "icons" / f"{NAME}.svg"
LOADED_LATER = ("libgl1", "libegl1", "fontconfig", "fonts-dejavu-core | fonts-freefont-ttf")
"""What Qt opens while it runs, and letters to write with."""

CONTROL = """\
Package: {name}
Version: {version}
Architecture: {architecture}
Maintainer: DC-VSR Studio contributors <noreply@dcvsr.invalid>
Installed-Size: {kilobytes}
Depends: {depends}
Recommends: xdg-desktop-portal, libpulse0 | libasound2t64 | libasound2
Section: video
Priority: optional
Description: {summary}
 Everything is inside, with a compact model that needs no GPU: Python, PyTorch for
 the processor, Qt and FFmpeg. The window is dcvsr-studio, the command line dcvsr.
"""
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: {title}

Files: *
Copyright: {title} contributors
License: Apache-2.0
 The full text is in /usr/share/common-licenses/Apache-2.0.

Files: opt/{name}/_internal/*
Copyright: see License
License: various
 All parts and their licences are listed in
 /opt/{name}/_internal/resources/licences/THIRD-PARTY.txt.
"""
MAKE_PAGE = "from argparse_manpage.cli import main; main()"
DATABASES = (
    "#!/bin/sh\n"
    "# Have the desktop notice the program and the files that it opens.\n"
    "set -e\n"
    "if command -v update-desktop-database >/dev/null; then update-desktop-database -q /usr/share/applications; fi\n"
    "if command -v gtk-update-icon-cache >/dev/null; then gtk-update-icon-cache -q -t -f /usr/share/icons/hicolor || true; fi\n"
)


def make_package(bundle: Path, dist: Path, work: Path) -> Path:
    """Write ``dist/dcvsr-studio_VERSION_ARCHITECTURE.deb`` from the folder of a bundle; returns its path."""
    shutil.rmtree(work, ignore_errors=True)
    root = work / "root"
    shutil.copytree(bundle, root / "opt" / NAME, symlinks=True, copy_function=os.link)
    add_programs(root / "usr" / "bin")
    add_desktop_files(root / "usr" / "share", bundle)
    add_manual(root / "usr" / "share" / "man" / "man1", root / "opt" / NAME)
    documents = root / "usr" / "share" / "doc" / NAME
    documents.mkdir(parents=True)
    (documents / "copyright").write_text(COPYRIGHT.format(name=NAME, title=TITLE), encoding="utf-8")
    architecture = output_of(["dpkg", "--print-architecture"]).strip()
    add_control(root, architecture)
    package = dist / f"{NAME}_{VERSION}_{architecture}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zzstd", "-z9", "--build", str(root), str(package)], check=True)
    return package


def output_of(command: list[str], folder: Path = ROOT) -> str:
    """What a command prints."""
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def add_programs(folder: Path) -> None:
    """Links to both programs."""
    folder.mkdir(parents=True)
    for name in (NAME, "dcvsr"):
        (folder / name).symlink_to(f"/opt/{NAME}/{name}")


def add_desktop_files(share: Path, bundle: Path) -> None:
    """Starter, description for software centres, icons; raises `subprocess.CalledProcessError` when one is not valid."""
    values = {
        "MIME_TYPES": "".join(f"{kind};" for kind in MIME_TYPES),
        "MEDIA_TYPES": "\n".join(f"    <mediatype>{kind}</mediatype>" for kind in MIME_TYPES),
        "BUNDLE_ID": BUNDLE_ID,
        "LICENCE": licence(bundle),
        "VERSION": VERSION,
        "DATE": datetime.fromtimestamp(int(output_of(["git", "log", "-1", "--format=%ct"])), UTC).date().isoformat(),
    }
    starter = fill(TEMPLATES / f"{NAME}.desktop.in", share / "applications" / f"{NAME}.desktop", values)
    description = fill(TEMPLATES / f"{NAME}.metainfo.xml.in", share / "metainfo" / f"{BUNDLE_ID}.metainfo.xml", values)
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(starter)], check=True)
    subprocess.run(["appstreamcli", "validate", "--no-net", str(description)], check=True)
    icons.write_pngs(share / "icons" / "hicolor")
    scalable = share / "icons" / "hicolor" / "scalable" / "apps" / SCALABLE.name
    scalable.parent.mkdir(parents=True)
    shutil.copyfile(SCALABLE, scalable)


def fill(template: Path, target: Path, values: dict[str, str]) -> Path:
    """Write a template with its ``@NAMES@`` replaced."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(re.sub(r"@(\w+)@", lambda found: values[found[1]], template.read_text(encoding="utf-8")), encoding="utf-8")
    return target


def add_manual(folder: Path, bundle: Path) -> None:
    """Manual pages, made from the programs' own descriptions of their options."""
    folder.mkdir(parents=True)
    sources = {"dcvsr": ("dcvsr_engine.cli", "command_parser"), NAME: ("app.__main__", "parser")}
    for program, (module, function) in sources.items():
        page = folder / f"{program}.1"
        options = ["--module", module, "--function", function, "--prog", program, "--output", str(page)]
        facts = [
            "--project-name",
            NAME,
            "--version",
            VERSION,
            "--description",
            SUMMARY,
            "--manual-title",
            TITLE,
        ]
        subprocess.run([sys.executable, "-c", MAKE_PAGE, *options, *facts], check=True, cwd=ROOT)
        page.with_suffix(".1.gz").write_bytes(gzip.compress(page.read_bytes(), mtime=0))
        page.unlink()


def add_control(root: Path, architecture: str) -> None:
    """The package's description, with the packages that its libraries need."""
    folder = root / "DEBIAN"
    folder.mkdir()
    size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    values = {
        "name": NAME,
        "version": VERSION,
        "architecture": architecture,
        "kilobytes": size // 1024,
        "depends": ", ".join(sorted({*system_packages(root / "opt" / NAME), *LOADED_LATER})),
        "summary": SUMMARY,
    }
    (folder / "control").write_text(CONTROL.format(**values), encoding="utf-8")
    for name in ("postinst", "postrm"):
        (folder / name).write_text(DATABASES, encoding="utf-8")
        (folder / name).chmod(0o755)


def system_packages(bundle: Path) -> list[str]:
    """The packages of the libraries that the bundle takes from the system, with this system's C library as the oldest."""
    inside = {path.name for path in bundle.rglob("*")}
    wanted = {full for path in bundle.rglob("*") if is_elf(path) for name, full in get_imports(str(path)) if name not in inside}
    owners = {package_of(Path(path)) for path in wanted if path} - {""}
    libc = platform.libc_ver()[1]
    return sorted(f"{name} (>= {libc})" if name == "libc6" else name for name in owners)


def package_of(library: Path) -> str:
    """The package that a library belongs to; empty when it is in none. Libraries may be in /lib or, the same, in /usr/lib."""
    places = {str(library), f"/usr{library}", str(library).removeprefix("/usr"), str(library.resolve())}
    done = subprocess.run(["dpkg-query", "--search", *places], capture_output=True, text=True, check=False)
    return done.stdout.partition(":")[0]


def is_elf(path: Path) -> bool:
    """Whether a file is a program or library of Linux, and no link."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
