"""A small imitation of the hub on localhost, which can be slow, break off, send damage, or refuse."""

import gzip
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

REVISION = "a" * 40


@dataclass
class Hub:
    """What the imitation serves and how it misbehaves.

    Attributes:
        repositories: content per file, per repository.
        token: what must be said to get a file; empty for none.
        granted: whether the token's account accepted the licence.
        break_after: bytes of weights after which a connection ends, per connection; none when the list is empty.
        damage: changes what is sent.
        seconds: wait between pieces.
        piece: bytes of each.
        status: answered instead of files, unless 0.
        requests: path and range of every request.
        trouble: statuses answered to the next requests, with how long to wait before the next one.
        endless: whether files and listings never end.
        packed: whether everything is sent compressed.
        describe: changes the listing.
        revision: what is offered; files of other revisions are gone.
        tokens: what every request brought as its token.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    token: str = ""
    granted: bool = True
    break_after: list[int] = field(default_factory=list)
    damage: Callable[[bytes], bytes] = lambda data: data
    seconds: float = 0.0
    piece: int = 2**14
    status: int = 0
    requests: list[tuple[str, str]] = field(default_factory=list)
    trouble: list[tuple[int, str]] = field(default_factory=list)
    endless: bool = False
    packed: bool = False
    describe: Callable[[dict[str, Any]], Any] = lambda listing: listing
    revision: str = REVISION
    tokens: list[str] = field(default_factory=list)
    address: str = ""

    def start(self) -> Callable[[], None]:
        """Serve on a free port; gives what ends it."""
        handler = type("OfThisHub", (Handler,), {"hub": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        self.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()

        def end() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return end

    def listing(self, files: dict[str, bytes]) -> dict[str, Any]:
        """What the hub says of a repository: sha256 of weights, git's hash of the rest."""
        siblings = []
        for name, data in files.items():
            git = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
            lfs = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 134}
            siblings.append(
                {"rfilename": name, "size": len(data), "blobId": git, **({"lfs": lfs} if name.endswith(".safetensors") else {})}
            )
        return {"id": "someone/model", "sha": self.revision, "gated": "auto" if self.token else False, "siblings": siblings}


class Handler(BaseHTTPRequestHandler):
    """Answers like the hub."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def refuse(self, status: int, code: str = "") -> None:
        """An error, as the hub words it; a number as its code says how long to wait."""
        self.send_response(status)
        if code:
            self.send_header("Retry-After" if code.isdigit() else "X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """A repository's listing or one of its files."""
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((path, self.headers.get("Range", "")))
        self.hub.tokens.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if self.hub.trouble:
            return self.refuse(*self.hub.trouble.pop(0))
        if match := re.fullmatch(r"/api/models/(\w+/[\w-]+)", path):
            files = self.hub.repositories.get(match[1])
            if files is None:
                return self.refuse(404, "RepoNotFound")
            return self.send(json.dumps(self.hub.describe(self.hub.listing(files))).encode())
        match = re.fullmatch(r"/(\w+/[\w-]+)/resolve/(\w+)/(.+)", path)
        data = self.hub.repositories.get(match[1], {}).get(match[3]) if match and match[2] == self.hub.revision else None
        said = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.hub.status:
            return self.refuse(self.hub.status)
        if self.hub.token and said != self.hub.token:
            return self.refuse(401, "" if said else "GatedRepo")
        if not self.hub.granted:
            return self.refuse(403, "GatedRepo")
        return self.refuse(404, "EntryNotFound") if data is None else self.send(self.hub.damage(data))

    def send(self, data: bytes) -> None:
        """Send from where it is asked for, as far as the hub is willing."""
        first = int(self.headers.get("Range", "bytes=0-")[6:-1])
        if first >= len(data) > 0 and first:
            return self.refuse(416)
        rest = gzip.compress(data[first:]) if self.hub.packed else data[first:]
        self.send_response(206 if first else 200)
        if self.hub.packed:
            self.send_header("Content-Encoding", "gzip")
        if self.hub.endless:
            return self.send_for_ever(data)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        limit = self.hub.break_after.pop(0) if self.hub.break_after and self.path.endswith(".safetensors") else len(rest)
        for begin in range(0, min(limit, len(rest)), self.hub.piece):
            time.sleep(self.hub.seconds)
            try:
                self.wfile.write(rest[begin : min(begin + self.hub.piece, limit)])
            except OSError:
                break
        if limit < len(rest):
            self.close_connection = True
        return None

    def send_for_ever(self, data: bytes) -> None:
        """Send in chunks that never end."""
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        piece = data[:-1].ljust(self.hub.piece, b" ") if data[:1] == b"{" else bytes(self.hub.piece)
        with suppress(OSError):
            while True:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
