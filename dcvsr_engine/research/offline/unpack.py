"""Unpacking: what calls on another machine have brought back, as the folder of a run."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from dcvsr_engine.errors import InputError, OutputError
from dcvsr_engine.research.offline.transfers import extract, find_transfers, missing_transfers, read_transfers
from dcvsr_engine.storage import discard, partial_path, put_in_place


def unpack(folders: Sequence[Path], target: Path) -> list[int]:
    """Put the transfers of a call together in the folder ``target``.

    Args:
        folders: the transfers, or folders that hold them.
        target: new folder of the run.

    Returns:
        Numbers of the transfers that are missing; without them the model is there, but the run cannot be resumed.

    Raises:
        InputError: transfers are missing that hold the model, or those of several calls are mixed.
        JobError: a part is damaged.
        OutputError: ``target`` exists.
    """
    if target.exists():
        raise OutputError(f"“{target}” exists already: choose another folder, or remove that one.")
    transfers = find_transfers(folders)
    parts = read_transfers(transfers)
    archives = {name: list(group) for name, group in groupby(parts, key=lambda part: part.archive)}
    missing = {name: missing_transfers(pieces, transfers) for name, pieces in archives.items()}
    first = parts[0].archive
    if missing[first]:
        raise InputError(
            f"Transfer {', '.join(map(str, missing[first]))} of {parts[-1].transfer} is missing: name its folder, too."
        )
    partial = partial_path(target)
    try:
        for name, pieces in archives.items():
            if not missing[name]:
                extract(pieces, transfers, partial)
        put_in_place(partial, target)
    finally:
        discard(partial)
    return sorted({number for numbers in missing.values() for number in numbers})
