"""Lists everything that is inside a bundle with its licence, from what is installed here. Used by ``dcvsr-studio.spec``."""

import re
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path, PurePath

from contents import Entry, gpl_encoders
from identity import ROOT

from app.help.about import licence_of

TEXTS = ROOT / "packaging" / "licences"
FOLDER = PurePath("resources", "licences")
"""Where the list and the texts are in the bundle."""

INTRODUCTION = """\
DC-VSR Studio is free software under the Apache License 2.0 (LICENSE.txt). This copy of it contains the parts listed
below, each under its own licence. The method is DC-VSR (SIGGRAPH 2025, arXiv 2502.03502); please cite its authors.

Qt and PySide6 are used under the GNU LGPL, version 3 (LGPL-3.txt, GPL-3.txt). They lie here as separate libraries, which
you may replace by your own builds.

PyInstaller's starter is under the GNU GPL, version 2 or later, with an exception that allows any licence for what it starts.
"""

WITH_GPL = """\
FFmpeg comes with PyAV, with the encoders x264 and x265, which are under the GNU GPL, version 2 or later (GPL-2.txt,
GPL-3.txt). Whoever passes on this copy as a whole does so under the terms of the GPL, version 3, which the Apache
License 2.0 allows, and sees to it that the sources named below can be had as long as it is passed on. (PyAV's FFmpeg
calls itself LGPL all the same: it was built without --enable-gpl.)

PyTorch for the processor contains Intel oneMKL, which is not free software: it is under the Intel Simplified Software
License, which allows to pass it on unchanged. It cannot be put under the GPL. Whether this copy as a whole may be passed on
is therefore a question for a lawyer; a copy whose PyTorch has no oneMKL, or whose FFmpeg has neither x264 nor x265, does not
raise it. packaging/lgpl.py, in the program's sources, makes one of the second kind.
"""

WITHOUT_GPL = """\
FFmpeg and what it calls are used under the GNU LGPL, version 3 or later; it was built without the encoders x264 and x265 and
without anything else under the GPL, by packaging/lgpl.py in the program's sources. H.264 comes from OpenH264, AV1 from SVT-AV1;
H.265 can be read and not written.

PyTorch for the processor contains Intel oneMKL, which is not free software: it is under the Intel Simplified Software
License, which allows to pass it on unchanged.
"""

SOURCES = {
    "x264": ("GPL-2.0-or-later", "https://code.videolan.org/videolan/x264"),
    "x265": ("GPL-2.0-or-later", "https://bitbucket.org/multicoreware/x265_git"),
    "SvtAv1Enc": ("BSD-3-Clause-Clear", "https://gitlab.com/AOMediaCodec/SVT-AV1"),
    "openh264": ("BSD-2-Clause", "https://github.com/cisco/openh264"),
    "vpx": ("BSD-3-Clause", "https://chromium.googlesource.com/webm/libvpx"),
    "mp3lame": ("LGPL-2.0-or-later", "https://lame.sourceforge.io"),
    "opus": ("BSD-3-Clause", "https://opus-codec.org"),
    "dav1d": ("BSD-2-Clause", "https://code.videolan.org/videolan/dav1d"),
    "webp": ("BSD-3-Clause", "https://chromium.googlesource.com/webm/libwebp"),
    "opencore-amrnb": ("Apache-2.0", "https://sourceforge.net/projects/opencore-amr"),
    "vpl": ("MIT", "https://github.com/intel/libvpl"),
    "asound": ("LGPL-2.1-or-later", "https://www.alsa-project.org"),
    "gnutls": ("LGPL-2.1-or-later", "https://www.gnutls.org"),
    "nettle": ("LGPL-3.0-or-later OR GPL-2.0-or-later", "https://www.lysator.liu.se/~nisse/nettle"),
    "gmp": ("LGPL-3.0-or-later OR GPL-2.0-or-later", "https://gmplib.org"),
    "unistring": ("LGPL-3.0-or-later OR GPL-2.0-or-later", "https://www.gnu.org/software/libunistring"),
}
"""Licence and place of the sources of what FFmpeg calls, by the names of their libraries."""

ONEMKL = (
    "Intel Simplified Software License, not free software, in torch/lib (libtorch_cpu), from "
    "https://www.intel.com/content/www/us/en/developer/tools/oneapi/onemkl.html"
)


def python_parts(names: Iterable[str]) -> Iterator[str]:
    """Name, version and licence of Python distributions, and the folder of the bundle where its text is."""
    for name in names:
        facts = metadata.distribution(name).metadata
        folder = f"{facts['Name'].replace('-', '_')}-{facts['Version']}.dist-info"
        yield f"{facts['Name']} {facts['Version']}: {licence_of(facts) or 'see its text'} ({folder})"


def ffmpeg_parts() -> Iterator[str]:
    """FFmpeg's libraries, and how they were built."""
    import av
    from av._core import library_meta

    for name, facts in library_meta.items():
        yield f"{name} {'.'.join(map(str, facts['version']))}: {facts['license']}"
    yield f"built with {next(iter(library_meta.values()))['configuration']}"
    release = av.ffmpeg_version_info
    yield f"sources of FFmpeg {release}: https://ffmpeg.org/releases/ffmpeg-{release}.tar.xz"
    if gpl_encoders():
        yield f"how PyAV {av.__version__} builds it, with patches: https://github.com/PyAV-Org/pyav-ffmpeg"


def encoder_parts(binaries: Iterable[Entry]) -> Iterator[str]:
    """What FFmpeg calls, with the version that their library's name tells, their licence, and where their sources are."""
    names = sorted({PurePath(place).name for place, _, _ in binaries})
    for codec, (licence, sources) in SOURCES.items():
        name = next((name for name in names if re.match(rf"lib{codec}\b", name)), None)
        if name:
            version = ".".join(re.findall(r"(?<=[.-])\d+(?=[.]|$)", name.partition(codec)[2])) or "unknown"
            yield f"{codec}, library version {version}: {licence}, sources {sources} ({name})"


def torch_parts() -> Iterator[str]:
    """The libraries that are built into PyTorch, as it names them itself."""
    import torch

    for line in torch.__config__.show().splitlines():
        if re.match(r"\s*- (Intel|OpenMP|LAPACK|NNPACK)", line):
            yield line.strip(" -") + (f": {ONEMKL}" if "Math Kernel Library" in line else "")


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


def source_of(package: str) -> str:
    """Name and version of the source package of an installed Debian package."""
    command = ["dpkg-query", "--show", "--showformat", "${source:Package} ${source:Version}\n", package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


def licence_files(binaries: Sequence[Entry], names: Iterable[str], folder: Path) -> list[Entry]:
    """The list of ``names``d distributions and all else, written to ``folder``, and all texts, as entries of the bundle."""
    packages = debian_packages(binaries) if Path("/usr/bin/dpkg-query").exists() else {}
    lines = [
        INTRODUCTION,
        WITH_GPL if gpl_encoders() else WITHOUT_GPL,
        "Python's own interpreter and library: Python-2.0 (Python.txt)",
        "",
        "Python packages",
        "",
    ]
    lines += python_parts(names)
    lines += ["", "In PyTorch", "", *torch_parts()]
    lines += ["", "FFmpeg in PyAV", "", *ffmpeg_parts(), *encoder_parts(binaries)]
    if packages:
        lines += ["", "System libraries, from these packages of Debian, and their source packages", ""]
        lines += [f"{package}: {source_of(package)} (debian/{package}.txt)" for package in sorted(packages)]
    lines += [""]
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "THIRD-PARTY.txt"
    listing.write_text("\n".join(lines), encoding="utf-8")
    texts = {path.name: path for path in TEXTS.glob("*.txt")} | {"THIRD-PARTY.txt": listing, "LICENSE.txt": ROOT / "LICENSE"}
    texts["Python.txt"] = Path(sysconfig.get_paths()["stdlib"]) / "LICENSE.txt"
    texts |= {f"debian/{package}.txt": path for package, path in packages.items()}
    return [(str(FOLDER / name), str(path), "DATA") for name, path in texts.items() if path.is_file()]
