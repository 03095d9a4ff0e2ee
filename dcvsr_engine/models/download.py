"""Downloads models from a hub: checked for free space before, continued where they broke off, hashed after. Torch-free.

Not `huggingface_hub.hf_hub_download`: it cannot be cancelled within seconds, and its retries and limits are not ours to set.
"""

import errno
import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import httpx2
from filelock import FileLock, Timeout

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import CatalogueEntry
from dcvsr_engine.models.hub import Busy, Gone, HubConnection, RangeRefused
from dcvsr_engine.models.importing import check_free_space, check_name
from dcvsr_engine.models.listing import Listing, RemoteFile, kept_listing, listing_on_hub
from dcvsr_engine.models.recognise import recognise
from dcvsr_engine.models.registry import KnownModel, model_named
from dcvsr_engine.models.store import LISTING, ORIGIN, Transferred, partial_folder
from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.paths import models_folder
from dcvsr_engine.storage import describe_os_error, hex_digest, put_in_place, sha256, write_json

TRIES = 6
"""Connections in a row that bring nothing before giving up."""
FIRST_PAUSE = 1.0
"""Before the second try; each further one waits twice as long."""
LONGEST_PAUSE = 60.0
TICK_SECONDS = 0.1
"""Between two calls of ``progress`` while waiting, which may cancel."""
SLOWEST, GRACE_SECONDS = 1024, 60.0
"""Bytes per second, on average after some seconds, below which a connection counts as broken."""


def download(
    entry: CatalogueEntry,
    token: str | None = None,
    progress: Transferred = lambda what, done, total: None,
    wait: float = FIRST_PAUSE,
) -> KnownModel:
    """Download a catalogue entry into the models folder, or continue an unfinished download.

    Args:
        entry: what to download; the user accepted its licence.
        token: identifies the user where the repository is gated.
        progress: called with a file's name, bytes done and bytes in all; may raise to stop, and what has arrived is kept.
        wait: seconds before a second try.

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
            Download(entry, HubConnection(entry, token), folder, progress, wait).run()
    except Timeout:
        raise ModelError(f"“{entry.name}” is being downloaded by another process; wait for it or cancel it there.") from None
    except OSError as error:
        raise disk_error(error, folder) from None
    finally:
        with suppress(OSError):
            folder.with_suffix(".lock").unlink()
            folder.rmdir()  # if nothing has come yet
    return model_named(entry.name)


class Download:
    """One download; the arguments are those of `download`, with the connection and the hidden ``folder`` of what has arrived."""

    def __init__(
        self, entry: CatalogueEntry, connection: HubConnection, folder: Path, progress: Transferred, wait: float
    ) -> None:
        self._entry, self._connection, self._folder, self._progress, self._wait = entry, connection, folder, progress, wait

    def run(self) -> None:
        """Download, verify and make the model; raises `ModelError` or `OSError`."""
        kept = kept_listing(self._folder, self._entry)
        try:
            listing = self._fetch_files(kept or self._new_listing())
        except Gone:
            if kept is None:
                raise
            listing = self._fetch_files(self._new_listing(kept))  # the hub has a newer revision meanwhile
        self._make_model(listing)

    def _new_listing(self, kept: Listing | None = None) -> Listing:
        """Ask the hub for the listing and keep it; what changed since the ``kept`` one is deleted."""
        listing = self._ask_for_listing()
        for file in set(kept.files if kept else ()) - set(listing.files):
            (self._folder / file.name).unlink(missing_ok=True)
        write_json(self._folder / LISTING, listing.to_dict())
        return listing

    def _ask_for_listing(self) -> Listing:
        """Ask the hub for the listing, several times while it is busy."""
        for failures in range(1, TRIES):
            try:
                return listing_on_hub(self._connection, self._entry)
            except Busy as busy:
                self._pause(busy.seconds or self._backoff(failures), lambda: self._progress(self._entry.name, 0, 0))
        try:
            return listing_on_hub(self._connection, self._entry)
        except Busy as busy:
            raise self._connection.refusal(busy.status) from None

    def _fetch_files(self, listing: Listing) -> Listing:
        """Fetch missing files, and compare every file with its hash."""
        missing = sum(file.size - size_on_disk(self._folder / file.name) for file in listing.files)
        check_free_space(self._folder, missing)
        done = 0
        for file in listing.files:
            passed = partial(self._passed, file, done, listing.size)
            (self._folder / file.name).parent.mkdir(parents=True, exist_ok=True)
            self._fetch(file, listing.revision, passed)
            self._check(file, passed)
            done += file.size
        return listing

    def _passed(self, file: RemoteFile, before: int, total: int, size: int) -> None:
        """Report that ``size`` bytes of a file are on disk."""
        self._progress(file.name, before + size, total)

    def _fetch(self, file: RemoteFile, revision: str, passed: Callable[[int], None]) -> None:
        """Fetch one file from where it broke off, in several tries if need be."""
        path, failures = self._folder / file.name, 0
        # the second condition: an empty file of the listing has to exist, too
        while size_on_disk(path) < file.size or not path.exists():
            before, asked, problem = size_on_disk(path), 0.0, self._broken(file)
            try:
                self._receive(file, revision, passed)
            except Busy as busy:
                asked, problem = busy.seconds, self._connection.refusal(busy.status)
            except RangeRefused:
                path.unlink()  # it is longer here than there: from the beginning
            except httpx2.HTTPError:
                pass
            # a connection that brings something is progress: only those in a row that bring nothing count
            failures = 0 if size_on_disk(path) > before else failures + 1
            if failures == TRIES:
                raise problem
            if size_on_disk(path) < file.size:
                self._pause(asked or self._backoff(failures), partial(passed, size_on_disk(path)))

    def _receive(self, file: RemoteFile, revision: str, passed: Callable[[int], None]) -> None:
        """Append what one connection brings, at most the bytes that were declared."""
        path = self._folder / file.name
        have, began = size_on_disk(path), time.monotonic()
        passed(have)  # raises when it was cancelled meanwhile
        with self._connection.stream(self._connection.file_path(file.name, revision), have) as response:
            if have and response.headers.get("Content-Encoding", "identity").lower() != "identity":
                path.unlink()  # compressed although nobody asked for it: its parts cannot be put together
                return
            # a server may ignore the range and send the file from its beginning
            resumed = response.status_code == httpx2.codes.PARTIAL_CONTENT
            with path.open("ab" if resumed else "wb") as out:
                for part in response.iter_bytes():
                    if out.tell() + len(part) > file.size:
                        # not what was announced: nothing of it is trusted
                        out.truncate(0)
                        raise ModelError(
                            f"{self._connection.address} sends more than the {file.size:,} bytes of {file.name} that it "
                            "announced; they are deleted."
                        )
                    out.write(part)
                    passed(out.tell())
                    seconds = time.monotonic() - began
                    if seconds > GRACE_SECONDS and out.tell() - have < SLOWEST * seconds:
                        return  # the next connection may be better

    def _pause(self, seconds: float, tick: Callable[[], None]) -> None:
        """Wait, and report meanwhile so that the user can cancel."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            tick()
            time.sleep(min(left, TICK_SECONDS))

    def _backoff(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row."""
        return float(min(self._wait * 2**failures, LONGEST_PAUSE))

    def _broken(self, file: RemoteFile) -> ModelError:
        """The reason why a file is given up."""
        done = size_on_disk(self._folder / file.name)
        return ModelError(
            f"The connection to {self._connection.address} broke off in {file.name}, at {done / 2**20:.1f} of "
            f"{file.size / 2**20:.1f} MB; what has arrived is kept, start the download again to continue."
        )

    def _check(self, file: RemoteFile, passed: Callable[[int], None]) -> None:
        """Compare a file with its hash; a wrong one is deleted, with the listing that it was fetched by."""
        path = self._folder / file.name
        # hashing brings no bytes; it is reported only so that the user can cancel
        found = sha256(path, lambda size: passed(file.size)) if file.sha256 else git_hash(path)
        if found != (file.sha256 or file.git) or path.stat().st_size != file.size:
            path.unlink()
            (self._folder / LISTING).unlink(missing_ok=True)  # the next try asks for another: this one may be the mistake
            raise ModelError(
                f"{file.name} of “{self._entry.name}” arrived damaged and was deleted; start the download again to get it."
            )

    def _make_model(self, listing: Listing) -> None:
        """Check that a complete download is what the catalogue says, and make it a model."""
        entry, folder = self._entry, self._folder
        found = recognise(folder)
        if found.kind not in (entry.kind, "declared") and (entry.kind, found.kind) != ("base", "full"):
            raise ModelError(f"{entry.repository} holds another kind of model than the catalogue says; please report it.")
        if entry.kind == "unet":
            (folder / FILE).write_text(entry.declared().to_json(), encoding="utf-8")
        hashes = {file.name: file.sha256 or sha256(folder / file.name) for file in listing.files}
        write_json(folder / ORIGIN, {"from": listing.repository, "revision": listing.revision, "sha256": hashes})
        (folder / LISTING).unlink()
        put_in_place(folder, models_folder() / entry.name)


def size_on_disk(path: Path) -> int:
    """Bytes of a file on disk; 0 when it does not exist."""
    return path.stat().st_size if path.is_file() else 0


def git_hash(path: Path) -> str:
    """The hash that git gives a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    return hex_digest(path, digest)


def disk_error(error: OSError, folder: Path) -> ModelError:
    """Explain why the models folder cannot be written."""
    if error.errno == errno.ENOSPC:
        return ModelError(
            f"The disk of {folder.parent} is full; free some space and start the download again, what has arrived is kept."
        )
    return ModelError(f"{folder} cannot be written ({describe_os_error(error)}).")
