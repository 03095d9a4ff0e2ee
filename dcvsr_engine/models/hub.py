"""A connection to the hub or a mirror of it: addresses, tokens, and refusals in words. Torch-free."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx2
from huggingface_hub import constants, get_session

from dcvsr_engine.errors import ModelError
from dcvsr_engine.models.catalogue import CatalogueEntry

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, and those that the hub signs are as good as a token

TIMEOUT = httpx2.Timeout(10.0, read=5.0)
"""Seconds to connect and to wait for more; short, so that cancelling takes effect soon."""
REFUSALS = 401, 403
BUSY = 429, 500, 502, 503, 504
LONGEST_WAIT = 120.0
"""Seconds that a hub may ask to wait."""


class TokenNeeded(ModelError):
    """The hub gives a model only to users who accepted its licence and identify themselves."""


class Busy(Exception):
    """The hub is busy or in trouble, which may pass.

    Attributes:
        status: HTTP status.
        seconds: how long the hub asks to wait; 0 when it does not say.
    """

    def __init__(self, status: int, seconds: float) -> None:
        super().__init__(status)
        self.status, self.seconds = status, seconds


class RangeRefused(Exception):
    """The hub does not continue a file where it broke off."""


class Gone(ModelError):
    """The hub does not have a repository, a revision or a file."""


def hub() -> str:
    """The address of the hub, or of the mirror that ``HF_ENDPOINT`` names."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


class HubConnection:
    """Asks the hub for the files of one entry.

    Args:
        entry: what is asked for.
        token: identifies the user; it is sent to no other host.

    Attributes:
        address: of the hub.
    """

    def __init__(self, entry: CatalogueEntry, token: str | None) -> None:
        self.address = hub()
        self._entry, self._token = entry, token

    @contextmanager
    def stream(self, path: str, begin: int = 0) -> Iterator[httpx2.Response]:
        """Ask for what ``path`` names, uncompressed and from byte ``begin`` on.

        Raises:
            TokenNeeded: the hub asks for a token, or for another one.
            Gone: the hub does not have it.
            RangeRefused: the hub cannot resume at byte ``begin``.
            Busy: the hub may answer later.
            ModelError: the hub refuses in another way.
            httpx2.HTTPError: the connection fails.
        """
        # a compressed answer cannot be continued from a byte of the file
        headers = {"Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if begin:
            headers["Range"] = f"bytes={begin}-"
        url = f"{self.address}/{path}"
        with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
            self._check(response)
            yield response

    def file_path(self, name: str, revision: str) -> str:
        """The path of a file of a revision."""
        return f"{self._entry.repository}/resolve/{revision}/{quote(name)}"

    def _check(self, response: httpx2.Response) -> None:
        status = response.status_code
        if status == httpx2.codes.RANGE_NOT_SATISFIABLE:
            raise RangeRefused
        if status in BUSY:
            raise Busy(status, wait_seconds(response.headers.get("Retry-After", "")))
        if status >= 400:
            raise self.refusal(status, response.headers.get("X-Error-Code", ""))

    def refusal(self, status: int, code: str = "") -> ModelError:
        """Explain the hub's refusal."""
        name, page = self._entry.name, f"{self.address}/{self._entry.repository}"
        if status in REFUSALS and self._token is None:
            return TokenNeeded(
                f"“{name}” is for users who accepted its licence on {page}: accept it there, make a token, and enter it here."
            )
        if status == 403 or (status in REFUSALS and code == "GatedRepo"):
            return TokenNeeded(
                f"The token's account has no access to “{name}” yet: accept its licence on {page}, or enter another token."
            )
        if status in REFUSALS:
            return TokenNeeded(f"{self.address} does not know this token; make a new one there and enter it here.")
        if status == 404:
            return Gone(f"{page} does not exist, or no longer has these files; look there for what became of it.")
        return ModelError(f"{self.address} answers with error {status}; try again later.")

    def unreachable(self, error: Exception) -> ModelError:
        """Explain that the hub does not answer at all."""
        return ModelError(
            f"{self.address} cannot be reached ({type(error).__name__}); check the network, or name a mirror in HF_ENDPOINT."
        )


def wait_seconds(text: str) -> float:
    """Read ``Retry-After``; 0 where it is a date or missing, and never too long."""
    return min(float(text), LONGEST_WAIT) if text.isascii() and text.isdigit() else 0.0
