"""Lists everything that is inside a bundle with its licence, from what is installed here. Used by ``dcvsr-studio.spec``."""

import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path, PurePath

from contents import ROOT, Entry

from app.help.about import licence_of

TEXTS = ROOT / "packaging" / "licences"
FOLDER = PurePath("resources", "licences")
"""Where the list and the texts are in the bundle."""

INTRODUCTION = """\
DC-VSR Studio is free software under the Apache License 2.0 (LICENSE.txt). This copy of it contains the parts listed
below, each under its own licence. The method is DC-VSR (SIGGRAPH 2025, arXiv 2502.03502); please cite its authors.

Qt and PySide6 are used under the GNU LGPL, version 3 (LGPL-3.txt, GPL-3.txt). They lie here as separate libraries, which
you may replace by your own builds.

FFmpeg comes with PyAV, with the encoders x264 and x265, which are under the GNU GPL, version 2 or later (GPL-2.txt,
GPL-3.txt). Whoever passes on this copy as a whole does so under the terms of the GPL, version 3, which the Apache
License 2.0 allows. The sources of all parts are published by their projects; PyAV's describe how its FFmpeg is built.
"""


def python_parts(names: Iterable[str]) -> Iterator[str]:
    """Name, version and licence of Python distributions, and the folder of the bundle where its text is."""
    for name in names:
        facts = metadata.distribution(name).metadata
        folder = f"{facts['Name'].replace('-', '_')}-{facts['Version']}.dist-info"
        yield f"{facts['Name']} {facts['Version']}: {licence_of(facts) or 'see its text'} ({folder})"


def ffmpeg_parts() -> Iterator[str]:
    """FFmpeg's libraries, and how they were built."""
    from av._core import library_meta

    for name, facts in library_meta.items():
        yield f"{name} {'.'.join(map(str, facts['version']))}: {facts['license']}"
    yield f"built with {next(iter(library_meta.values()))['configuration']}"


def debian_packages(binaries: Iterable[Entry]) -> dict[str, Path]:
    """Debian packages that libraries were taken from, and their copyright files. Empty on other systems."""
    sources = {Path(source).resolve() for _, source, kind in binaries if kind == "BINARY" and source.startswith(("/usr", "/lib"))}
    found = {}
    for source in sources:
        names = {str(source), str(source).removeprefix("/usr")}
        done = subprocess.run(["dpkg-query", "--search", *names], capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            package = line.partition(":")[0]
            found[package] = Path("/usr/share/doc") / package / "copyright"
    return found


def licence_files(binaries: Iterable[Entry], names: Iterable[str], folder: Path) -> list[Entry]:
    """The list of ``names``d distributions and all else, written to ``folder``, and all texts, as entries of the bundle."""
    packages = debian_packages(binaries) if Path("/usr/bin/dpkg-query").exists() else {}
    lines = [INTRODUCTION, "Python's own interpreter and library: Python-2.0 (Python.txt)", "", "Python packages", ""]
    lines += python_parts(names)
    lines += ["", "FFmpeg in PyAV", "", *ffmpeg_parts()]
    if packages:
        lines += ["", "System libraries, from these packages of Debian", ""]
        lines += [f"{package} (debian/{package}.txt)" for package in sorted(packages)]
    lines += ["", "PyInstaller's starter: GPL-2.0-or-later with an exception that allows any licence for what it starts", ""]
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "THIRD-PARTY.txt"
    listing.write_text("\n".join(lines), encoding="utf-8")
    texts = {path.name: path for path in TEXTS.glob("*.txt")} | {"THIRD-PARTY.txt": listing, "LICENSE.txt": ROOT / "LICENSE"}
    texts["Python.txt"] = Path(sysconfig.get_paths()["stdlib"]) / "LICENSE.txt"
    texts |= {f"debian/{package}.txt": path for package, path in packages.items()}
    return [(str(FOLDER / name), str(path), "DATA") for name, path in texts.items() if path.is_file()]
