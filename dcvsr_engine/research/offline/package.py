"""Opening a package where it is to be used. Standard library only: it runs before the wheels can be imported."""

import sys
import zipfile
from pathlib import Path

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.offline.transfers import extract, find_transfers, missing_transfers, read_transfers
from dcvsr_engine.storage import discard, partial_path, put_in_place

PRIOR_RECIPE = "prior.json"
"""Name of the recipe, beside the main one, of a prior to train first."""


def open_package(folder: Path, work: Path) -> Path:
    """Extract a package and its wheels below ``work`` unless it is there, and make the wheels importable.

    Args:
        folder: that holds all transfers.
        work: where packages are extracted; each has a folder of its own there.

    Returns:
        The package's folder.

    Raises:
        InputError: a transfer is missing.
        JobError: a part is damaged.
    """
    transfers = find_transfers([folder])
    parts = read_transfers(transfers)
    missing = missing_transfers(parts, transfers)
    if missing:
        raise InputError(f"“{folder}” is incomplete: bring transfer {', '.join(map(str, missing))} of {parts[-1].transfer}, too.")
    target = work / parts[0].sha256[:12]
    if not target.is_dir():
        partial = partial_path(target)
        try:
            extract(parts, transfers, partial)
            for wheel in sorted((partial / "wheels").glob("*.whl")):
                with zipfile.ZipFile(wheel) as archive:
                    archive.extractall(partial / "site")
            put_in_place(partial, target)
        finally:
            discard(partial)
    sys.path.insert(0, str(target / "site"))
    return target
