"""Tiny wheels, one that passes for a CUDA build of torch, and a server for them that can be made to fail."""

import hashlib
import http.server
import os
import threading
import zipfile
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

TORCH = """
__version__ = "{version}"

class version:
    cuda = {cuda!r}

class _Ones:
    def __init__(self, count):
        self.count = count
    def sum(self):
        return self.count

def ones(count, device):
    return _Ones(count)

class cuda:
    is_available = staticmethod(lambda: {available})
    get_device_name = staticmethod(lambda: "Pretend GPU")
"""


def fake_torch(version: str, cuda: str | None = "13.0", available: bool = True) -> str:
    """The source of a module that answers as torch does where `gpu.check` asks."""
    return TORCH.format(version=version, cuda=cuda, available=available)


def write_wheel(folder: Path, name: str, version: str, source: str, requires: tuple[str, ...] = (), ballast: int = 0) -> Path:
    """A wheel with one module, and ``ballast`` bytes that cannot be compressed."""
    files = {f"{name}/__init__.py": source.encode(), f"{name}/ballast": os.urandom(ballast)}
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {line}\n" for line in requires)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    rows = [
        f"{path},sha256={urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for path, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,"]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for inside, data in files.items():
            archive.writestr(inside, data)
    return path


class Server:
    """Serves a folder on this machine; ``broken`` names files of which only half is sent, ``silent`` ones that never come.

    Attributes:
        asked: names of the files that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.waiting, self.closing = threading.Event(), threading.Event()
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                name = unquote(self.path).rpartition("/")[2]
                server.asked.append(name)
                data = (folder / name).read_bytes() if name else server.page(folder)
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream" if name else "text/html")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if name in server.silent:
                    server.waiting.set()
                    server.closing.wait(60)
                with suppress(ConnectionError):
                    self.wfile.write(data[: len(data) // 2] if name in server.broken else data)

            def log_message(self, *words: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Handler(*a, directory=str(folder)))
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    @staticmethod
    def page(folder: Path) -> bytes:
        return "".join(f'<a href="{path.name}">{path.name}</a>\n' for path in folder.glob("*.whl")).encode()

    def close(self) -> None:
        self.closing.set()
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()
