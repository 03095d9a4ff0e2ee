"""Files in parts that fit limited transfers: archives cut into parts, and a manifest with their hashes.

``FOLDER/1`` to ``FOLDER/N`` are the transfers; each holds its parts and the same ``manifest.json``. Standard library only.
"""

import shutil
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dcvsr_engine.errors import InputError, JobError
from dcvsr_engine.storage import discard, partial_path, put_in_place, read_json, sha256, write_json

MIB = 2**20
PART_BYTES = 15 * MIB
"""Largest size of a part."""

TRANSFER_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ArchivePart:
    """A piece of an archive.

    Attributes:
        name: of the file.
        archive: that it is a piece of; an archive's pieces are listed in order.
        transfer: number of the transfer that holds it, from 1.
        size: in bytes.
        sha256: in hexadecimal.
    """

    name: str
    archive: str
    transfer: int
    size: int
    sha256: str


def write_transfers(archives: Mapping[str, Mapping[str, Path]], folder: Path, transfer_bytes: int) -> list[ArchivePart]:
    """Cut files into transfers; ``folder`` appears when all are complete and replaces an earlier one.

    Args:
        archives: files by their path inside the archive, by the archive's name; the first archives fill the first transfers.
        folder: of the transfers.
        transfer_bytes: largest size of the parts of a transfer together.

    Returns:
        All parts, in order.
    """
    # as many equal parts as the limit needs: a whole number of them fills a transfer
    together = -(-transfer_bytes // PART_BYTES)
    partial = partial_path(folder)
    partial.mkdir(parents=True)
    try:
        parts: list[ArchivePart] = []
        for name, files in archives.items():
            packed = partial / f"{name}.tar"
            with tarfile.open(packed, "w") as archive:
                for inside, path in files.items():
                    archive.add(path, inside, recursive=False)
            parts += cut_archive(packed, transfer_bytes // together, together, len(parts))
            packed.unlink()
        for transfer in {part.transfer for part in parts}:
            write_json(partial / str(transfer) / TRANSFER_MANIFEST, {"parts": [asdict(part) for part in parts]})
        put_in_place(partial, folder)
    finally:
        discard(partial)
    return parts


def cut_archive(archive: Path, part_bytes: int, together: int, before: int) -> list[ArchivePart]:
    """Cut a file into parts in numbered folders beside it.

    Args:
        archive: to cut.
        part_bytes: size of all parts but the last.
        together: parts per transfer.
        before: parts that the transfers hold already.
    """
    parts: list[ArchivePart] = []
    with archive.open("rb") as file:
        while data := file.read(part_bytes):
            transfer = (before + len(parts)) // together + 1
            path = archive.parent / str(transfer) / f"{archive.stem}-{len(parts):03}"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            parts.append(ArchivePart(path.name, archive.stem, transfer, len(data), sha256(path)))
    return parts


def find_transfers(folders: Iterable[Path]) -> list[Path]:
    """Find the transfers among ``folders`` and directly in them; raises `InputError` where there are none."""
    folders = list(folders)
    candidates = [path for folder in folders if folder.is_dir() for path in (folder, *sorted(folder.iterdir()))]
    found = [path for path in candidates if (path / TRANSFER_MANIFEST).is_file()]
    if not found:
        raise InputError(f"“{folders[0]}” holds no transfer: there is no {TRANSFER_MANIFEST} in it or in its folders.")
    return found


def read_transfers(transfers: Sequence[Path]) -> list[ArchivePart]:
    """Read the parts that transfers belong to; raises `InputError` where a manifest is damaged or they differ."""
    manifests = []
    for transfer in transfers:
        try:
            manifests.append([ArchivePart(**part) for part in read_json(transfer / TRANSFER_MANIFEST)["parts"]])
        except (OSError, ValueError, TypeError, KeyError):
            raise InputError(f"“{transfer / TRANSFER_MANIFEST}” is damaged: transfer it again.") from None
    if any(manifest != manifests[0] for manifest in manifests):
        raise InputError("These transfers do not belong together: name the folders of one package or of one call.")
    return manifests[0]


def missing_transfers(parts: Iterable[ArchivePart], transfers: Sequence[Path]) -> list[int]:
    """List the numbers of the transfers that hold ``parts`` and are not there."""
    return sorted({part.transfer for part in parts if locate(part, transfers) is None})


def locate(part: ArchivePart, transfers: Sequence[Path]) -> Path | None:
    """Find a part's file among the transfers."""
    return next((path for folder in transfers if (path := folder / part.name).is_file()), None)


def extract(parts: Sequence[ArchivePart], transfers: Sequence[Path], target: Path) -> None:
    """Join the parts of one archive and extract it into the folder ``target``, which may hold other files.

    Raises:
        JobError: a part is missing or damaged.
    """
    joined = partial_path(target / "joined.tar")
    joined.parent.mkdir(parents=True, exist_ok=True)
    try:
        with joined.open("wb") as file:
            for part in parts:
                with checked(part, transfers).open("rb") as piece:
                    shutil.copyfileobj(piece, file)
        with tarfile.open(joined) as archive:
            archive.extractall(target, filter="data")
    finally:
        discard(joined)


def checked(part: ArchivePart, transfers: Sequence[Path]) -> Path:
    """Return the path of a part whose hash is right; raises `JobError`."""
    path = locate(part, transfers)
    if path is None:
        raise JobError(f"Transfer {part.transfer} is missing ({part.name}): bring it here, too.")
    if path.stat().st_size != part.size or sha256(path) != part.sha256:
        raise JobError(f"“{path}” is damaged: transfer it again.")
    return path
