"""Puts a PyAV without parts under the GPL into the environment that it is run in: ``python packaging/lgpl.py FFMPEG.tar.xz``.

PyAV's wheels cannot be cleared of x264 and x265: their libavcodec is linked with both. This builds FFmpeg from the archive of
its release `RELEASE` (Debian's source package of that version has the same file), with OpenH264 for H.264, SVT-AV1 for AV1 and
no encoder for H.265, and then PyAV from its sources over it. ``build.py --lgpl`` makes a bundle of that. Needs a C compiler and
the packages `DEBIAN` of Debian 12. The environment works only as long as ``build/lgpl`` is there; bundles always do.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = "8.1.2"
ARCHIVE_SHA256 = "464beb5e7bf0c311e68b45ae2f04e9cc2af88851abb4082231742a74d97b524c"
PYAV = ROOT / "packaging" / "lock" / "pyav-source.txt"
"""PyAV's sources with their hash."""

DEBIAN = (
    "libopenh264-dev", "libsvtav1enc-dev", "libdav1d-dev", "libvpx-dev", "libopus-dev", "libmp3lame-dev", "libwebp-dev",
    "libopencore-amrnb-dev", "libopencore-amrwb-dev", "libgnutls28-dev", "zlib1g-dev", "nasm", "pkg-config",
)  # fmt: skip
LIBRARIES = (
    "libopenh264", "libsvtav1", "libdav1d", "libvpx", "libopus", "libmp3lame", "libwebp", "libopencore-amrnb",
    "libopencore-amrwb", "gnutls", "zlib",
)  # fmt: skip
NOT_AS_PYAV = "avui,dca,mlp,opus,s302m,sonic,sonic_ls,truehd"
"""Experimental encoders that PyAV's wheels leave out."""

OPTIONS = (
    "--enable-shared", "--disable-static", "--disable-programs", "--disable-doc", "--disable-debug", "--disable-autodetect",
    "--enable-version3", f"--disable-encoder={NOT_AS_PYAV}", "--disable-decoder=sonic",
)  # fmt: skip


def unpacked(archive: Path, work: Path) -> Path:
    """The folder of FFmpeg's sources; raises `SystemExit` when the archive is another one than `RELEASE`'s."""
    if hashlib.sha256(archive.read_bytes()).hexdigest() != ARCHIVE_SHA256:
        raise SystemExit(f"“{archive}” is not the archive of FFmpeg {RELEASE} (SHA-256 {ARCHIVE_SHA256}); get that one.")
    with tarfile.open(archive) as file:
        file.extractall(work, filter="data")
    return work / f"ffmpeg-{RELEASE}"


def build_ffmpeg(source: Path, prefix: Path) -> None:
    """Build FFmpeg and install it to ``prefix``."""
    enabled = [f"--enable-{name}" for name in LIBRARIES]
    subprocess.run(["./configure", f"--prefix={prefix}", *OPTIONS, *enabled], cwd=source, check=True)
    subprocess.run(["make", "--silent", f"-j{os.cpu_count()}"], cwd=source, check=True)
    subprocess.run(["make", "--silent", "install"], cwd=source, check=True)


def install_pyav(prefix: Path) -> None:
    """Build PyAV over the FFmpeg in ``prefix``, in place of the one that is installed."""
    libraries = prefix / "lib"
    environment = os.environ | {"PKG_CONFIG_PATH": str(libraries / "pkgconfig"), "LDFLAGS": f"-Wl,-rpath,{libraries}"}
    options = ["--no-deps", "--force-reinstall", "--no-cache-dir", "--no-binary", "av", "--require-hashes", "-r", str(PYAV)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options], env=environment, check=True)


def main() -> None:
    """Build and install."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path, metavar="FFMPEG.tar.xz", help=f"FFmpeg {RELEASE}'s sources")
    archive = parser.parse_args().archive
    work = ROOT / "build" / "lgpl"
    work.mkdir(parents=True, exist_ok=True)
    if not (work / "prefix" / "lib" / "pkgconfig" / "libavcodec.pc").exists():
        build_ffmpeg(unpacked(archive, work), work / "prefix")
    install_pyav(work / "prefix")


if __name__ == "__main__":
    main()
