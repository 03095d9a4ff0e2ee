"""Fetches models from a hub: checked for room before, resumed where they broke off, hashed after. Torch-free."""

import errno
import fnmatch
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import HfApi, constants, get_session, hf_hub_url
from huggingface_hub.errors import HfHubHTTPError

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import Entry
from dcvsr_engine.models.importing import check_name, check_room
from dcvsr_engine.models.known import KnownModel
from dcvsr_engine.models.recognise import PLAIN, recognise
from dcvsr_engine.models.store import LISTING, RECORD, Progress, added, partial_folder
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.network.hashes import hex_digest, sha256
from dcvsr_engine.network.installed import user_models
from dcvsr_engine.storage import put_in_place, write_json

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, and those that the hub signs are as good as a token

TRIES = 6
"""Connections in a row that bring nothing before it is given up."""
WAIT_SECONDS = 1.0
LIST_SECONDS = 10.0
TIMEOUT = httpx2.Timeout(10.0, read=5.0)
"""Seconds to connect and to wait for more; short, so that whoever cancels need not wait."""
REFUSED = 401, 403


class TokenNeeded(ModelError):
    """The hub gives a model only to those who accepted its licence and say who they are."""


@dataclass(frozen=True)
class RemoteFile:
    """A file on the hub: its size, and its sha256 or, for small files, the hash that git gives it."""

    name: str
    size: int
    sha256: str
    git: str


@dataclass(frozen=True)
class Listing:
    """What is to be fetched: files of one ``revision`` of a ``repository``."""

    repository: str
    revision: str
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)


def hub() -> str:
    """The address of the hub, or of the mirror that ``HF_ENDPOINT`` names."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def download(
    entry: Entry, token: str | None = None, progress: Progress = lambda what, done, total: None, wait: float = WAIT_SECONDS
) -> KnownModel:
    """Fetch a catalogue entry into the models folder; what an earlier try left is continued.

    Args:
        entry: what to fetch; its licence was accepted.
        token: says who the person is, where the repository is gated.
        progress: may raise to stop; what is there is kept.
        wait: seconds between tries.

    Raises:
        TokenNeeded: the hub wants a token, or another one.
        ModelError: anything else that goes wrong, in one sentence.
    """
    check_name(entry.name)
    check_room(user_models(), 0)
    folder = partial_folder(entry.name)
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        with lock.acquire(timeout=0):
            listing = known_listing(folder, entry) or look_up(entry, token)
            write_json(folder / LISTING, asdict(listing))
            check_room(folder, sum(file.size - there(folder / file.name) for file in listing.files))
            fetch_all(entry, listing, folder, token, progress, wait)
            finish(entry, listing, folder)
    except Timeout:
        raise ModelError(f"“{entry.name}” is being downloaded by another process; wait for it or cancel it there.") from None
    except OSError as error:
        raise disk_error(error, folder) from None
    finally:
        with suppress(OSError):
            folder.with_suffix(".lock").unlink()
            folder.rmdir()  # if nothing has come yet
    return added(entry.name)


# -- what there is ----------------------------------------------------------------------------------------------


def look_up(entry: Entry, token: str | None) -> Listing:
    """Ask the hub which files there are; raises `ModelError`."""
    try:
        found = HfApi(endpoint=hub(), token=token or False).model_info(
            entry.repository, files_metadata=True, timeout=LIST_SECONDS
        )
    except HfHubHTTPError as error:
        raise answer_error(entry, error.response.status_code, error.response.headers.get("X-Error-Code", ""), token) from None
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise unreachable(error) from None
    files = tuple(
        RemoteFile(item.rfilename, item.size or 0, item.lfs.sha256 if item.lfs else "", item.blob_id or "")
        for item in found.siblings or ()
        if is_wanted(item.rfilename, entry.files)
    )
    if not any(file.name.endswith(".safetensors") for file in files) or not found.sha:
        raise ModelError(f"{entry.repository} on {hub()} offers no safetensors files of this model; pickles are not fetched.")
    return Listing(entry.repository, found.sha, files)


def is_wanted(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file is of use and harmless: weights as safetensors, plain texts, and the licence."""
    plain = Path(name).suffix.lower() in {".safetensors", *PLAIN} or Path(name).name.upper().startswith("LICENSE")
    inside = not Path(name).is_absolute() and ".." not in Path(name).parts
    return plain and inside and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def known_listing(folder: Path, entry: Entry) -> Listing | None:
    """What an earlier try was fetching; ``None`` when there was none."""
    try:
        values: dict[str, Any] = json.loads((folder / LISTING).read_text(encoding="utf-8"))
        files = tuple(RemoteFile(**file) for file in values["files"])
        listing = Listing(str(values["repository"]), str(values["revision"]), files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return listing if listing.repository == entry.repository else None


def there(path: Path) -> int:
    """Bytes of a file that are there."""
    return path.stat().st_size if path.is_file() else 0


# -- fetching ---------------------------------------------------------------------------------------------------


def fetch_all(entry: Entry, listing: Listing, folder: Path, token: str | None, progress: Progress, wait: float) -> None:
    """Fetch what is missing, and check every file against its hash."""
    done = 0
    for file in listing.files:
        path, before = folder / file.name, done
        path.parent.mkdir(parents=True, exist_ok=True)

        def passed(size: int, name: str = file.name, before: int = before) -> None:
            progress(name, before + size, listing.size)

        fetch(entry, file, listing.revision, path, token, passed, wait)
        check(entry, file, path, passed)
        done += file.size


def fetch(
    entry: Entry, file: RemoteFile, revision: str, path: Path, token: str | None, passed: Callable[[int], None], wait: float
) -> None:
    """Fetch one file, from where it broke off; ``passed`` is told how much of it is there."""
    url = hf_hub_url(entry.repository, file.name, revision=revision, endpoint=hub())
    tries = TRIES
    while there(path) < file.size or not path.exists():
        before = there(path)
        passed(before)  # may have been cancelled meanwhile
        with suppress(httpx2.HTTPError):
            receive(entry, url, path, token, passed)
        tries = TRIES if there(path) > before else tries - 1
        if tries == 0:
            raise ModelError(
                f"The connection to {hub()} broke off at {there(path) / 2**20:.1f} of {file.size / 2**20:.1f} MB of {file.name}; "
                "what is there is kept, start the download again to go on."
            )
        if there(path) < file.size:
            time.sleep(wait)


def receive(entry: Entry, url: str, path: Path, token: str | None, passed: Callable[[int], None]) -> None:
    """One connection: append what comes to ``path``."""
    have = there(path)
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
    if have:
        headers["Range"] = f"bytes={have}-"
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
        if response.status_code >= 400:
            raise answer_error(entry, response.status_code, response.headers.get("X-Error-Code", ""), token)
        resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
        with path.open("ab" if resumed else "wb") as out:
            for part in response.iter_bytes():
                out.write(part)
                passed(out.tell())


def check(entry: Entry, file: RemoteFile, path: Path, passed: Callable[[int], None]) -> None:
    """Compare a file with its hash; a wrong one is removed, so that it is fetched anew. Raises `ModelError`."""
    wanted = entry.sha256.get(file.name) or file.sha256
    sound = sha256(path, lambda size: passed(file.size)) == wanted if wanted else not file.git or git_hash(path) == file.git
    if not sound or path.stat().st_size != file.size:
        path.unlink()
        raise ModelError(
            f"{file.name} of “{entry.name}” arrived damaged and was thrown away; start the download again to get it."
        )


def git_hash(path: Path) -> str:
    """The hash that git gives a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    return hex_digest(path, digest)


def finish(entry: Entry, listing: Listing, folder: Path) -> None:
    """Look whether it is what the catalogue says, and make it a model; raises `ModelError`."""
    found = recognise(folder)
    if found.kind not in (entry.kind, "declared") and (entry.kind, found.kind) != ("base", "full"):
        raise ModelError(f"{entry.repository} holds something else than the catalogue says; please report it.")
    if entry.kind == "unet":
        (folder / FILE).write_text(entry.declared().to_json(), encoding="utf-8")
    hashes = {file.name: file.sha256 or sha256(folder / file.name) for file in listing.files}
    write_json(folder / RECORD, {"from": listing.repository, "revision": listing.revision, "sha256": hashes})
    (folder / LISTING).unlink()
    put_in_place(folder, user_models() / entry.name)


# -- what goes wrong --------------------------------------------------------------------------------------------


def answer_error(entry: Entry, status: int, code: str, token: str | None) -> ModelError:
    """What the hub's refusal means."""
    page = f"{hub()}/{entry.repository}"
    if status in REFUSED and token is None:
        return TokenNeeded(
            f"“{entry.name}” is for those who agreed to its licence on {page}: agree there, make a token, and give it here."
        )
    if status == 403 or (status in REFUSED and code == "GatedRepo"):
        return TokenNeeded(
            f"The token's account has not been given “{entry.name}” yet: agree to its licence on {page}, or give another token."
        )
    if status in REFUSED:
        return TokenNeeded(f"{hub()} does not know this token; make a new one there and give it here.")
    if status == 404:
        return ModelError(f"{page} is not there, or no longer has these files; look there for what became of it.")
    return ModelError(f"{hub()} answers with error {status}; try again later.")


def unreachable(error: Exception) -> ModelError:
    """The hub does not answer at all."""
    return ModelError(
        f"{hub()} cannot be reached ({type(error).__name__}); look at the network, or name a mirror in HF_ENDPOINT."
    )


def disk_error(error: OSError, folder: Path) -> ModelError:
    """The models folder cannot be written."""
    if error.errno == errno.ENOSPC:
        return ModelError(f"The disk of {folder.parent} is full; make room and start the download again, what is there is kept.")
    return ModelError(f"{folder} cannot be written ({(error.strerror or 'no access').lower()}).")
