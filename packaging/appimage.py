"""Makes an AppImage of a built bundle: one file that runs on any Linux. Used by ``build.py --appimage``.

No index of packages has AppImage's own tool or runtime. Both are done here: the runtime is ``linux/runtime.c``, linked
statically with Debian's squashfuse (BSD-2-Clause), FUSE, C library (LGPL-2.1) and zstd (BSD-3-Clause), and ``mksquashfs`` packs
the folder behind it. Needs the packages `TOOLS` of Debian 12.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from deb import add_desktop_files
from identity import NAME, ROOT, VERSION

TOOLS = ("gcc", "libsquashfuse-dev", "libfuse3-dev", "libzstd-dev", "squashfs-tools", "appstream")
RUNTIME = ROOT / "packaging" / "linux" / "runtime.c"
FLAGS = ("-std=gnu11", "-Os", "-Wall", "-Wno-builtin-declaration-mismatch", "-static", "-s")
LIBRARIES = ("-lsquashfuse_ll", "-lsquashfuse", "-lfuse3", "-lzstd", "-lpthread", "-ldl")
PACKING = ("-noappend", "-root-owned", "-no-xattrs", "-comp", "zstd", "-Xcompression-level", "15", "-quiet", "-no-progress")
MAGIC = b"AI\x02"
"""What desktops know an AppImage of type 2 by, at `MAGIC_PLACE` of its ELF header."""

MAGIC_PLACE = 8
START = """\
#!/bin/sh
# Starts the window, or, by the name dcvsr (a link to the AppImage), the command line.
case "${{ARGV0##*/}}" in dcvsr) program=dcvsr ;; *) program={name} ;; esac
exec "$APPDIR/opt/{name}/$program" "$@"
"""


def make_appimage(bundle: Path, dist: Path, work: Path) -> Path:
    """Write ``dist/dcvsr-studio-VERSION-MACHINE.AppImage`` from the folder of a bundle; returns its path."""
    shutil.rmtree(work, ignore_errors=True)
    add_files(work / "folder", bundle)
    return made_of(work / "folder", work, dist / f"{NAME}-{VERSION}-{platform.machine()}.AppImage")


def add_files(folder: Path, bundle: Path) -> None:
    """The bundle, what starts it, and what desktops are told about it."""
    shutil.copytree(bundle, folder / "opt" / NAME, symlinks=True, copy_function=os.link)
    add_desktop_files(folder / "usr" / "share", bundle)
    start = folder / "AppRun"
    start.write_text(START.format(name=NAME), encoding="utf-8")
    start.chmod(0o755)
    share = folder / "usr" / "share"
    starter, icon = share / "applications" / f"{NAME}.desktop", share / "icons" / "hicolor" / "256x256" / "apps" / f"{NAME}.png"
    for source, name in ((starter, starter.name), (icon, icon.name), (icon, ".DirIcon")):
        shutil.copyfile(source, folder / name)


def made_of(folder: Path, work: Path, target: Path) -> Path:
    """Write an AppImage of a folder with an ``AppRun``; returns its path."""
    image, runtime = work / "image", work / "runtime"
    subprocess.run(["mksquashfs", str(folder), str(image), *PACKING], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["gcc", *FLAGS, "-o", str(runtime), str(RUNTIME), *LIBRARIES], check=True)
    return join(runtime, image, target)


def join(runtime: Path, image: Path, target: Path) -> Path:
    """Write the runtime, marked, and the image behind it; returns the path of the program that they make."""
    head = bytearray(runtime.read_bytes())
    head[MAGIC_PLACE : MAGIC_PLACE + len(MAGIC)] = MAGIC
    with target.open("wb") as file, image.open("rb") as packed:
        file.write(head)
        shutil.copyfileobj(packed, file)
    target.chmod(0o755)
    return target
