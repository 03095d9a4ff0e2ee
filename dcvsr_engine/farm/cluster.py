"""The computers of a farm: a Ray cluster that is started, joined and asked with our own lines. Torch-free.

Ray keeps its logs and temporary files under our data folder, tells nobody that it is used, listens on this computer alone unless
it is told an address, and lets nobody in without the token (its own token authentication).
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dcvsr_engine.errors import JobError, SettingsError
from dcvsr_engine.jobs.folders import job_folder
from dcvsr_engine.paths import data_folder
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.storage import write_text

DEVICE = "dcvsr"
"""A computer offers one of this resource per device, and a worker takes one."""
LOOPBACK = "127.0.0.1"
PORT = 6380
REACH_SECONDS = 5.0
"""How long a computer may take to answer."""
WORKER_NICENESS = "5"
"""Workers leave the computer to those who sit at it, as the window's engine does."""
LONGEST_RAY_FOLDER = 44
"""Ray makes sockets below its folder, and their paths are limited to 107 bytes."""
MISSING = "The farm needs Ray, which is not installed: install the program from its source with “pip install .[farm]”."


def ray_library(given: str | None = None) -> Any:
    """The library, which shows our token, or the one that is ``given``; raises `SettingsError` where it is not installed."""
    # it reads these when it is imported, and so do the processes that it starts
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token(given)}
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": WORKER_NICENESS}
    # where the program runs from its source
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    try:
        import ray
    except ModuleNotFoundError:
        raise SettingsError(MISSING) from None
    return ray


def farm_folder() -> Path:
    """Where the token and Ray's files are."""
    return data_folder() / "farm"


def ray_folder() -> Path:
    """Where Ray's logs and temporary files go."""
    folder = farm_folder()
    if len(os.fsencode(folder)) > LONGEST_RAY_FOLDER:
        folder = Path(tempfile.gettempdir()) / f"dcvsr-farm-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


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


# -- one computer -----------------------------------------------------------------------------------------------


def node_command(devices: int, gpus: int, address: str | None, listen: str, port: int) -> list[str]:
    """What starts this computer's part of a farm.

    Args:
        devices: how many workers it takes.
        gpus: CUDA cards among them.
        address: of the farm to join; ``None`` to begin one.
        listen: the address of this computer that others reach it at.
        port: of the farm to begin.
    """
    place = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={ray_folder()}"]
    return [
        *[sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"],
        *(place if address is None else [f"--address={address}"]),
        *[f"--node-ip-address={listen}", f"--num-cpus={devices}", f"--num-gpus={gpus}"],
        f"--resources={json.dumps({DEVICE: devices})}",
    ]


@contextmanager
def running_node(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run this computer's part of a farm while the context lasts; what Ray says goes to a file."""
    with log.open("ab") as words:
        # a group of its own: Ctrl-C in the terminal is for us, and Ray's helpers go with it
        process = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=os.name != "nt")
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def devices_here(wanted: int | None) -> tuple[int, int]:
    """How many workers this computer takes, by default one per CUDA GPU, and how many of them have a GPU."""
    import torch

    gpus = torch.cuda.device_count()
    return wanted or max(1, gpus), min(gpus, wanted or gpus)


# -- the whole farm ---------------------------------------------------------------------------------------------


@contextmanager
def connected(address: str, devices: int = 2, gpus: int = 0) -> Iterator[Any]:
    """The library, connected to the farm at an ``address``, or to one of this computer alone that goes afterwards: ``local``.

    Raises:
        SettingsError: the address is none.
        JobError: there is no farm there, the token is wrong, or its versions are others.
    """
    place = address if address == "local" else full_address(address)
    ray = ray_library()
    if place != "local":
        reach(place)
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "namespace": DEVICE, "configure_logging": False}
    try:
        if place == "local":
            ray.init(
                "local", num_cpus=devices, num_gpus=gpus, resources={DEVICE: devices}, include_dashboard=False,
                _temp_dir=str(ray_folder()), _node_ip_address=LOOPBACK, **quiet,
            )  # fmt: skip
        else:
            ray.init(place, **quiet)
    except Exception as error:
        raise JobError(refusal_of(address, error)) from None
    try:
        yield ray
    finally:
        ray.shutdown()


def full_address(address: str) -> str:
    """An address with its port; raises `SettingsError` where it is none."""
    host, _, port = (address if ":" in address else f"{address}:{PORT}").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"“{address}” is no address of a farm: give a computer, or COMPUTER:PORT, or “local”.")
    return f"{host}:{port}"


def reach(address: str) -> None:
    """Make sure that something listens at an address, as Ray would try for minutes; raises `JobError`."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), REACH_SECONDS):
            pass
    except OSError as error:
        raise JobError(refusal_of(address, error)) from None


def refusal_of(address: str, error: Exception) -> str:
    """Why a farm cannot be used, in a sentence."""
    text = " ".join(str(error).split())
    if "version mismatch" in text.lower():
        return f"The farm at {address} runs another version of Ray or Python: {text.partition('.')[0]}; install the same on both."
    if "auth" in type(error).__name__.lower() or "token" in text.lower() or "unauthenticated" in text.lower():
        return f"The farm at {address} does not take this token; join with the one that “dcvsr farm start” printed."
    return f"There is no farm at {address}; look whether “dcvsr farm start” runs there, and with --listen."


def version_differences(host: str, there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """A sentence for everything of which a computer of the farm has another version than this one."""
    return [
        f"{host} has {name} {there.get(name, 'in no version')} and this computer {version}; install the same on both."
        for name, version in here.items()
        if there.get(name) != version
    ]


def model_difference(host: str, model: str, there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """A sentence where a computer's files of a model, by their hashes, are not those of this one."""
    names = sorted(name for name in there.keys() | here.keys() if there.get(name) != here.get(name))
    return [f"The model “{model}” is another one on {host} ({', '.join(names)}); install the same there."] if names else []


def farm_job_folder(request: JobRequest, address: str | None) -> Path:
    """The job folder: beside the result, where all computers of a farm see it; as ever where this computer is alone."""
    folder = job_folder(request)
    return folder if address in (None, "local") or request.target is None else request.target.with_name(f".{folder.name}.job")


def farm_run() -> Callable[..., dict[str, Any]]:
    """What runs a job on a farm; raises `SettingsError` where Ray is not installed."""
    ray_library()
    from dcvsr_engine.farm.run import run_on_farm

    return run_on_farm


def nodes(ray: Any) -> list[dict[str, Any]]:
    """The computers of a farm that can be reached: their names, addresses and how many workers each takes."""
    alive = [node for node in ray.nodes() if node["Alive"]]
    return [
        {
            "host": node["NodeManagerHostname"],
            "address": node["NodeManagerAddress"],
            "devices": int(node["Resources"].get(DEVICE, 0)),
            "gpus": int(node["Resources"].get("GPU", 0)),
        }
        for node in alive
    ]
