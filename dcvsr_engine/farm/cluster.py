"""The computers of a farm: a Ray cluster that is started, joined and asked with our own lines. Torch-free.

Ray keeps its logs and temporary files under our data folder, tells nobody that it is used, listens on this computer alone unless
it is told an address, and lets nobody in without the token (its own token authentication).
"""

import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from dcvsr_engine import __version__
from dcvsr_engine.errors import JobError, SettingsError
from dcvsr_engine.farm.address import LOOPBACK, MISSING, farm_folder, full_address, token
from dcvsr_engine.farm.labels import DEVICE, Computer, FarmDevice, computer_of, labels_of

ALONE = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this computer reaches …"""
KEEP_ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""… and that Ray replaces by ones that others reach, too, unless this is 0."""
REACH_SECONDS = 5.0
"""How long a computer may take to answer."""
WORKER_NICENESS = "5"
"""Workers leave the computer to those who sit at it, as the window's engine does."""
LONGEST_RAY_FOLDER = 44
"""Ray makes sockets below its folder, and their paths are limited to 107 bytes."""

VERSIONS_DIFFER = re.compile(r"version mismatch:(.*?)(this process|$)", re.IGNORECASE | re.DOTALL)
WRONG_TOKEN = re.compile("InvalidAuthToken|Unauthenticated|AuthenticationError", re.IGNORECASE)
"""What Ray says of other versions, and of a token that it does not take."""


def ray_library(given: str | None = None) -> Any:
    """The library, which shows our token, or the one that is ``given``; raises `SettingsError` where it is not installed."""
    farm_folder().mkdir(parents=True, exist_ok=True)
    # it reads these when it is imported, and so do the processes that it starts
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": given or token()}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": WORKER_NICENESS}
    # where the program runs from its source
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    try:
        import ray
    except ModuleNotFoundError:
        raise SettingsError(MISSING) from None
    return ray


def ray_folder() -> Path:
    """Where Ray's logs and temporary files go."""
    folder = farm_folder()
    if len(os.fsencode(folder)) > LONGEST_RAY_FOLDER:
        folder = Path(tempfile.gettempdir()) / f"dcvsr-farm-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


# -- one computer -----------------------------------------------------------------------------------------------


def node_command(devices: Sequence[FarmDevice], gpus: int, address: str | None, listen: str, port: int) -> list[str]:
    """What starts this computer's part of a farm.

    Args:
        devices: one worker runs on each.
        gpus: CUDA cards among them.
        address: of the farm to join; ``None`` to begin one.
        listen: the address of this computer that others reach it at.
        port: of the farm to begin.
    """
    place = ["--head", f"--port={port}", "--include-dashboard=false"]
    labels = ",".join(f"{name}={value}" for name, value in labels_of(devices, versions_here()).items())
    return [
        *[sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"],
        *(place if address is None else [f"--address={address}"]),
        *[f"--temp-dir={ray_folder()}", f"--node-ip-address={listen}", f"--num-cpus={len(devices)}", f"--num-gpus={gpus}"],
        *[f"--resources={json.dumps({DEVICE: len(devices)})}", f"--labels={labels}"],
    ]


def node_surroundings(devices: int, alone: bool) -> dict[str, str]:
    """The environment of `node_command`, with so many ``devices``; ``alone`` where no other computer is to reach the farm."""
    threads = max(1, (os.cpu_count() or 1) // max(1, devices))  # Ray would give its workers a single one
    return {"OMP_NUM_THREADS": str(threads)} | os.environ | {KEEP_ALONE: str(int(not alone))}


@contextmanager
def running_node(command: list[str], surroundings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run this computer's part of a farm while the context lasts; what Ray says goes to a file."""
    with log.open("ab") as words:
        # a group of its own: Ctrl-C in the terminal is for us, and Ray's helpers go with it
        process = subprocess.Popen(command, stdout=words, stderr=words, env=surroundings, start_new_session=os.name != "nt")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def devices_here(wanted: int | None, kind: str = "auto") -> tuple[list[FarmDevice], int]:
    """The devices of this computer that take part, and how many of them are CUDA cards.

    Args:
        wanted: how many; ``None`` for every card, or one processor, 0 where it is only to use the farm.
        kind: as the setting ``device``.

    Raises:
        SettingsError: there are fewer cards.
        ModelError: there is no such device.
    """
    if wanted == 0:
        return [], 0
    from torch.cuda import device_count, get_device_properties

    from dcvsr_engine.network.device import device_title, memory, resolve_device

    device = resolve_device(kind)
    if device != "cuda":
        return [FarmDevice(device_title(device), memory(device)[1])] * (wanted or 1), 0
    if (wanted or 1) > device_count():
        raise SettingsError(f"This computer has {device_count()} CUDA card(s), each for one worker; choose no more than those.")
    found = [get_device_properties(number) for number in range(wanted or device_count())]
    return [FarmDevice(str(card.name), int(card.total_memory)) for card in found], len(found)


def versions_here() -> dict[str, str]:
    """What must be the same on all computers of a farm."""
    libraries = {"Ray": version("ray"), "PyTorch": version("torch")}
    return {"dcvsr": __version__, "Python": platform.python_version(), **libraries}


# -- the whole farm ---------------------------------------------------------------------------------------------


@contextmanager
def connected(address: str, devices: Sequence[FarmDevice] = (), gpus: int = 0) -> Iterator[Any]:
    """Connect to a farm, or make one that goes afterwards.

    Args:
        address: of the farm, or ``local`` for one of this computer alone.
        devices, gpus: of this computer, where it is to be ``local``, see `devices_here`.

    Yields:
        The library.

    Raises:
        SettingsError: the address is none.
        JobError: there is no farm there, the token is wrong, or its versions are others.
    """
    place = address if address == "local" else full_address(address)
    ray = ray_library()
    if place != "local":
        reach(place)
    ray._private.ray_constants.ENABLE_RAY_CLUSTER = not is_alone(place)
    log = farm_folder() / "driver.log"
    with words_to(log):
        begins = log.stat().st_size
        try:
            quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": False}
            ray.init(place, namespace=DEVICE, **quiet, **(local_cluster(devices, gpus) if place == "local" else {}))
        except Exception as error:
            raise JobError(refusal_of(address, f"{type(error).__name__}: {error} {words_since(log, begins)}")) from None
        try:
            yield ray
        finally:
            ray.shutdown()


def local_cluster(devices: Sequence[FarmDevice], gpus: int) -> dict[str, Any]:
    """What Ray needs to know to make a farm of this computer's ``devices``, of which so many are ``gpus``."""
    return {
        "num_cpus": len(devices),
        "num_gpus": gpus,
        "resources": {DEVICE: len(devices)},
        "labels": labels_of(devices, versions_here()),
        "include_dashboard": False,
        "_temp_dir": str(ray_folder()),
        "_node_ip_address": LOOPBACK,
    }


@contextmanager
def words_to(log: Path) -> Iterator[None]:
    """Have what this process and those that it starts write to the terminal go to a file: Ray's words are not for users."""
    kept = [os.dup(number) for number in (1, 2)]
    sys.stdout.flush(), sys.stderr.flush()
    with log.open("ab") as words:
        os.dup2(words.fileno(), 1), os.dup2(words.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


def is_alone(address: str) -> bool:
    """Whether only this computer reaches a farm."""
    from ray._private.services import node_ip_address_from_perspective

    host, _, port = address.rpartition(":")
    if host not in ALONE:
        return address == "local"
    try:
        # begun with --listen, it is reached here by either address
        with socket.create_connection((node_ip_address_from_perspective(), int(port)), REACH_SECONDS):
            return False
    except OSError:
        return True


def reach(address: str) -> str:
    """Make sure that something listens at an address, as Ray would try for minutes.

    Returns:
        The address of this computer on the way there.

    Raises:
        JobError: nothing does.
    """
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), REACH_SECONDS) as connection:
            return str(connection.getsockname()[0])
    except OSError as error:
        raise JobError(refusal_of(address, str(error))) from None


def words_since(log: Path, begins: int) -> str:
    """What has come into a log since it had so many bytes."""
    with log.open("rb") as words:
        words.seek(begins)
        return words.read().decode(errors="replace")


def refusal_of(address: str, text: str) -> str:
    """Why a farm cannot be used, in a sentence, from what Ray says."""
    if found := VERSIONS_DIFFER.search(text):
        what = " ".join(found[1].split())
        return f"The farm at {address} runs another version of Ray or Python ({what}); install the same on both."
    if WRONG_TOKEN.search(text):
        return f"The farm at {address} does not take this token; join with the one that “dcvsr farm start” printed."
    return f"There is no farm at {address}; look whether “dcvsr farm start” runs there, and with --listen."


def version_differences(host: str, there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """A sentence for everything of which a computer of the farm has another version than this one."""
    return [
        f"{host} has {name} {there.get(name, 'in no version')} and this computer {version}; install the same on both."
        for name, version in here.items()
        if there.get(name) != version
    ]


def nodes(ray: Any) -> list[Computer]:
    """The computers of a farm that can be reached."""
    return [computer_of(node) for node in ray.nodes() if node["Alive"]]
