"""The files that a hub offers of a catalogue entry: checked, limited, kept while a download is unfinished. Torch-free."""

import fnmatch
import re
import time
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx2
from pydantic import Field, model_validator

from dcvsr_engine.errors import ModelError, UserError
from dcvsr_engine.models.catalogue import CatalogueEntry
from dcvsr_engine.models.hub import HubConnection
from dcvsr_engine.models.recognise import TEXT_SUFFIXES
from dcvsr_engine.models.store import LISTING
from dcvsr_engine.schema import FromJson, Schema
from dcvsr_engine.storage import parse_json, read_json

LISTING_BYTES = 2**24
"""Size of a listing: the hub's are a few kilobytes."""
LISTING_SECONDS = 30.0
SAFE_NAME = re.compile(r"[\w.+()@ -]{1,200}(/[\w.+()@ -]{1,200}){0,8}")
"""File names that are safe on every file system; ``..`` is looked for apart."""
SIZE_FACTOR = 2
"""How much larger than the catalogue says a model may have become."""


class RemoteFile(Schema):
    """A file on the hub.

    Attributes:
        name: its path in the repository.
        size: its bytes.
        sha256: its SHA-256, or empty.
        git: for small files the hash that git gives their content, or empty. One of the two hashes is there.
    """

    error_type: ClassVar[type[UserError]] = ModelError

    name: str
    size: int = Field(ge=0)
    sha256: str = ""
    git: str = ""

    @model_validator(mode="after")
    def _can_be_verified(self) -> Self:
        if not (self.sha256 or self.git):
            raise ValueError(f"The hub gives no hash of {self.name}, so that it could not be verified; it is not downloaded.")
        return self


class Listing(Schema):
    """What to download: files of one ``revision`` of a ``repository``."""

    error_type: ClassVar[type[UserError]] = ModelError

    repository: str
    revision: str = Field(pattern=r"^\w+$")
    files: FromJson[tuple[RemoteFile, ...]]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)


def kept_listing(folder: Path, entry: CatalogueEntry) -> Listing | None:
    """The listing of an unfinished download in ``folder``; ``None`` when there is none of this entry."""
    try:
        listing = Listing.from_dict(read_json(folder / LISTING))
    except (OSError, ValueError, ModelError):
        return None
    return listing if listing.repository == entry.repository else None


def listing_on_hub(connection: HubConnection, entry: CatalogueEntry) -> Listing:
    """Ask the hub which files an entry consists of.

    Raises:
        TokenNeeded: the hub asks for a token.
        Busy: the hub may answer later.
        ModelError: the hub cannot be reached, refuses, or answers with something unusable.
    """
    answer = ask_for_json(connection, entry)
    try:
        files = tuple(remote_file(item, entry) for item in answer["siblings"] if is_wanted(item["rfilename"], entry.files))
        # a commit, not a branch: all files come from one state of the repository
        listing = Listing(repository=entry.repository, revision=answer["sha"], files=files)
    except (KeyError, TypeError, AttributeError):
        raise ModelError(f"{connection.address} answers with a listing that is not understood; try again later.") from None
    if not any(file.name.endswith(".safetensors") for file in files):
        raise ModelError(
            f"{entry.repository} on {connection.address} offers no safetensors files of this model; pickles are not downloaded."
        )
    if entry.size and listing.size > SIZE_FACTOR * entry.size:
        raise ModelError(
            f"{connection.address} offers {listing.size / 2**30:.1f} GB for “{entry.name}”, but it should be "
            f"{entry.size / 2**30:.1f} GB; nothing is downloaded."
        )
    return listing


def ask_for_json(connection: HubConnection, entry: CatalogueEntry) -> Any:
    """Fetch the hub's description of a repository, limited in size and time; raises as `listing_on_hub`."""
    parts, size, end = [], 0, time.monotonic() + LISTING_SECONDS
    try:
        with connection.stream(f"api/models/{entry.repository}?blobs=true") as response:
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LISTING_BYTES or time.monotonic() > end:
                    raise ModelError(f"{connection.address} does not end its listing of “{entry.name}”; try again later.")
        return parse_json(b"".join(parts))
    except (httpx2.HTTPError, OSError) as error:
        raise connection.unreachable(error) from None
    except ValueError:
        raise ModelError(f"{connection.address} answers with a listing that is not understood; try again later.") from None


def remote_file(item: dict[str, Any], entry: CatalogueEntry) -> RemoteFile:
    """Read one file of the hub's listing; a hash of the catalogue comes before the hub's."""
    name = item["rfilename"]
    # hubs give a SHA-256 for files in Git LFS only, and git's own hash for all
    found = entry.sha256.get(name) or (item.get("lfs") or {}).get("sha256") or ""
    return RemoteFile(name=name, size=item["size"], sha256=found, git=item.get("blobId") or "")


def is_wanted(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a file is useful and harmless: weights as safetensors, plain texts, and the licence."""
    path = Path(name)
    plain = path.suffix.lower() in {".safetensors", *TEXT_SUFFIXES} or path.name.upper().startswith("LICENSE")
    safe = SAFE_NAME.fullmatch(name) is not None and not {".", ".."} & set(name.split("/"))
    return plain and safe and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
