"""Downloads models from a hub: checked for free space before, continued where they broke off, hashed after. Torch-free.

Not `huggingface_hub.hf_hub_download`: it cannot be cancelled within seconds, and its retries and limits are not ours to set.
"""

import errno
import fnmatch
import hashlib
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
from dcvsr_engine.models.catalogue import CatalogueEntry
from dcvsr_engine.models.importing import check_free_space, check_name
from dcvsr_engine.models.recognise import TEXT_SUFFIXES, recognise
from dcvsr_engine.models.registry import KnownModel, model_named
from dcvsr_engine.models.store import LISTING, RECORD, Transferred, partial_folder
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.paths import models_folder
from dcvsr_engine.storage import describe_os_error, hex_digest, put_in_place, read_json, sha256, write_json

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, and those that the hub signs are as good as a token

TRIES = 6
"""Connections in a row that bring nothing before giving up."""
WAIT_SECONDS = 1.0
LIST_SECONDS = 10.0
TIMEOUT = httpx2.Timeout(10.0, read=5.0)
"""Seconds to connect and to wait for more; short, so that cancelling takes effect soon."""
REFUSALS = 401, 403


class TokenNeeded(ModelError):
    """The hub gives a model only to users who accepted its licence and identify themselves."""


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
    entry: CatalogueEntry,
    token: str | None = None,
    progress: Transferred = lambda what, done, total: None,
    wait: float = WAIT_SECONDS,
) -> KnownModel:
    """Download a catalogue entry into the models folder, or continue an unfinished download.

    Args:
        entry: what to download; the user accepted its licence.
        token: identifies the user where the repository is gated.
        progress: called with a file's name, bytes done and bytes in all; may raise to stop, and what has arrived is kept.
        wait: seconds between tries.

    Returns:
        The model.

    Raises:
        TokenNeeded: the hub asks for a token, or for another one.
        ModelError: anything else that goes wrong, in one sentence.
    """
    check_name(entry.name)
    check_free_space(models_folder(), 0)
    folder = partial_folder(entry.name)
    folder.mkdir(exist_ok=True)
    lock = FileLock(folder.with_suffix(".lock"))
    try:
        with lock.acquire(timeout=0):
            listing = known_listing(folder, entry) or listing_on_hub(entry, token)
            write_json(folder / LISTING, asdict(listing))
            check_free_space(folder, sum(file.size - size_on_disk(folder / file.name) for file in listing.files))
            fetch_files(entry, listing, folder, token, progress, wait)
            make_model(entry, listing, folder)
    except Timeout:
        raise ModelError(f"“{entry.name}” is being downloaded by another process; wait for it or cancel it there.") from None
    except OSError as error:
        raise disk_error(error, folder) from None
    finally:
        with suppress(OSError):
            folder.with_suffix(".lock").unlink()
            folder.rmdir()  # if nothing has come yet
    return model_named(entry.name)


# -- listings --------------------------------------------------------------------------------------------------


def listing_on_hub(entry: CatalogueEntry, token: str | None) -> Listing:
    """Ask the hub for the files of an entry; raises `ModelError`."""
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
    """Whether a file is useful and harmless: weights as safetensors, plain texts, and the licence."""
    plain = Path(name).suffix.lower() in {".safetensors", *TEXT_SUFFIXES} or Path(name).name.upper().startswith("LICENSE")
    inside = not Path(name).is_absolute() and ".." not in Path(name).parts
    return plain and inside and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def known_listing(folder: Path, entry: CatalogueEntry) -> Listing | None:
    """The listing of an unfinished download; ``None`` when there is none."""
    try:
        values: dict[str, Any] = read_json(folder / LISTING)
        files = tuple(RemoteFile(**file) for file in values["files"])
        listing = Listing(str(values["repository"]), str(values["revision"]), files)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return listing if listing.repository == entry.repository else None


def size_on_disk(path: Path) -> int:
    """Bytes of a file on disk; 0 when it does not exist."""
    return path.stat().st_size if path.is_file() else 0


# -- fetching ---------------------------------------------------------------------------------------------------


def fetch_files(
    entry: CatalogueEntry, listing: Listing, folder: Path, token: str | None, progress: Transferred, wait: float
) -> None:
    """Fetch missing files, and compare every file with its hash; see `download`."""
    done = 0
    for file in listing.files:
        path, before = folder / file.name, done
        path.parent.mkdir(parents=True, exist_ok=True)

        def passed(size: int, name: str = file.name, before: int = before) -> None:
            progress(name, before + size, listing.size)

        fetch_file(entry, file, listing.revision, path, token, passed, wait)
        check_file(entry, file, path, passed)
        done += file.size


def fetch_file(
    entry: CatalogueEntry,
    file: RemoteFile,
    revision: str,
    path: Path,
    token: str | None,
    passed: Callable[[int], None],
    wait: float,
) -> None:
    """Fetch one file to ``path`` from where it broke off; ``passed`` is called with the bytes on disk. Raises `ModelError`."""
    url = hf_hub_url(entry.repository, file.name, revision=revision, endpoint=hub())
    tries = TRIES
    while size_on_disk(path) < file.size or not path.exists():
        before = size_on_disk(path)
        passed(before)  # raises when it was cancelled meanwhile
        with suppress(httpx2.HTTPError):
            receive(entry, url, path, token, passed)
        tries = TRIES if size_on_disk(path) > before else tries - 1
        if tries == 0:
            raise ModelError(
                f"The connection to {hub()} broke off in {file.name}, at {before / 2**20:.1f} of {file.size / 2**20:.1f} MB; "
                "what has arrived is kept, start the download again to continue."
            )
        if size_on_disk(path) < file.size:
            time.sleep(wait)


def receive(entry: CatalogueEntry, url: str, path: Path, token: str | None, passed: Callable[[int], None]) -> None:
    """Append to ``path`` what one connection brings; raises `ModelError` when the hub refuses."""
    have = size_on_disk(path)
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


def check_file(entry: CatalogueEntry, file: RemoteFile, path: Path, passed: Callable[[int], None]) -> None:
    """Compare a file with its hash; a wrong one is removed, so that it is fetched anew. Raises `ModelError`."""
    wanted = entry.sha256.get(file.name) or file.sha256
    sound = sha256(path, lambda size: passed(file.size)) == wanted if wanted else not file.git or git_hash(path) == file.git
    if not sound or path.stat().st_size != file.size:
        path.unlink()
        raise ModelError(f"{file.name} of “{entry.name}” arrived damaged and was deleted; start the download again to get it.")


def git_hash(path: Path) -> str:
    """The hash that git gives a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    return hex_digest(path, digest)


def make_model(entry: CatalogueEntry, listing: Listing, folder: Path) -> None:
    """Check that a complete download is what the catalogue says, and make it a model; raises `ModelError`."""
    found = recognise(folder)
    if found.kind not in (entry.kind, "declared") and (entry.kind, found.kind) != ("base", "full"):
        raise ModelError(f"{entry.repository} holds another kind of model than the catalogue says; please report it.")
    if entry.kind == "unet":
        (folder / FILE).write_text(entry.declared().to_json(), encoding="utf-8")
    hashes = {file.name: file.sha256 or sha256(folder / file.name) for file in listing.files}
    write_json(folder / RECORD, {"from": listing.repository, "revision": listing.revision, "sha256": hashes})
    (folder / LISTING).unlink()
    put_in_place(folder, models_folder() / entry.name)


# -- errors -----------------------------------------------------------------------------------------------------


def answer_error(entry: CatalogueEntry, status: int, code: str, token: str | None) -> ModelError:
    """Explain the hub's refusal."""
    page = f"{hub()}/{entry.repository}"
    if status in REFUSALS and token is None:
        return TokenNeeded(
            f"“{entry.name}” is for users who accepted its licence on {page}: accept it there, make a token, and enter it here."
        )
    if status == 403 or (status in REFUSALS and code == "GatedRepo"):
        return TokenNeeded(
            f"The token's account has no access to “{entry.name}” yet: accept its licence on {page}, or enter another token."
        )
    if status in REFUSALS:
        return TokenNeeded(f"{hub()} does not know this token; make a new one there and enter it here.")
    if status == 404:
        return ModelError(f"{page} does not exist, or no longer has these files; look there for what became of it.")
    return ModelError(f"{hub()} answers with error {status}; try again later.")


def unreachable(error: Exception) -> ModelError:
    """Explain that the hub does not answer at all."""
    return ModelError(f"{hub()} cannot be reached ({type(error).__name__}); check the network, or name a mirror in HF_ENDPOINT.")


def disk_error(error: OSError, folder: Path) -> ModelError:
    """Explain why the models folder cannot be written."""
    if error.errno == errno.ENOSPC:
        return ModelError(
            f"The disk of {folder.parent} is full; free some space and start the download again, what has arrived is kept."
        )
    return ModelError(f"{folder} cannot be written ({describe_os_error(error)}).")
