"""Where a farm is, what lets computers into it, and where its jobs are kept. Needs neither Ray nor torch."""

import secrets
from pathlib import Path

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.jobs.folders import has_job, job_folder
from dcvsr_engine.paths import data_folder
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.storage import write_text

LOOPBACK = "127.0.0.1"
PORT = 6380
TOKEN_VARIABLE = "DCVSR_FARM_TOKEN"
"""In the environment, as command lines are seen by all users of a computer."""
MISSING = "The farm needs Ray, which is not installed: install the program from its source with “pip install .[farm]”."


def farm_folder() -> Path:
    """Where the token and Ray's files are."""
    return data_folder() / "farm"


def token(given: str | None = None) -> str:
    """What lets computers into the farm: the one that is ``given``, kept from before, or new."""
    path = farm_folder() / "token"
    if given is None and path.is_file():
        return path.read_text(encoding="utf-8").strip()
    chosen = given or secrets.token_hex(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    write_text(path, chosen)
    path.chmod(0o600)
    return chosen


def full_address(address: str) -> str:
    """An address with its port; raises `SettingsError` where it is none."""
    host, _, port = (address if ":" in address else f"{address}:{PORT}").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"“{address}” is no address of a farm: give a computer, or COMPUTER:PORT, or “local”.")
    return f"{host}:{port}"


def farm_job_folder(request: JobRequest, address: str | None) -> Path:
    """The job folder: beside the result, where all computers of a farm may see it; as ever where this computer is alone.

    A job that was begun in the other way goes on where it is: computers that do not see that are sent what they need.
    """
    alone = job_folder(request)
    # nothing is beside the root of a file system, which is no output either
    if request.target is None or not request.target.name:
        return alone
    beside = request.target.parent / f".{alone.name}.job"
    usual, other = (alone, beside) if address in (None, "local") else (beside, alone)
    return other if has_job(other) and not has_job(usual) else usual
