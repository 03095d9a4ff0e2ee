"""``dcvsr farm start | join | status``. Imports neither torch nor Ray before it runs."""

import _thread
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from dcvsr_engine.errors import JobError, SettingsError
from dcvsr_engine.farm.address import LOOPBACK, PORT, TOKEN_VARIABLE, farm_folder, full_address, token
from dcvsr_engine.farm.cluster import (
    ALONE,
    WRONG_TOKEN,
    connected,
    devices_here,
    is_alone,
    node_command,
    node_surroundings,
    nodes,
    ray_library,
    reach,
    refusal_of,
    running_node,
    words_since,
)
from dcvsr_engine.farm.status import answers_of, status_table, worker_rows
from dcvsr_engine.terminal import print_out

NODE_START_SECONDS = 60.0
"""How long Ray may take to begin."""
END_LOOK_SECONDS = 0.2
"""Seconds between two looks whether it has ended."""


def add_farm_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions of ``dcvsr farm``, and their options."""
    parser.add_argument("action", choices=["start", "join", "status"], help="begin a farm here, join one, or list its computers")
    parser.add_argument("address", nargs="?", help=f"of the farm: where “start” runs (join, status; default port: {PORT})")
    told = f"what “dcvsr farm start” printed on the first computer (default: {TOKEN_VARIABLE}, or what was taken before)"
    parser.add_argument("--token", default=os.environ.get(TOKEN_VARIABLE) or None, help=told)
    listen = f"this computer's address, for others to reach it (default: {LOOPBACK}; join: the one that reaches the farm)"
    parser.add_argument("--listen", metavar="ADDRESS", help=listen)
    parser.add_argument("--port", type=int, default=PORT, metavar="N", help=f"port of the farm (start; default: {PORT})")
    workers = "workers on this computer, 0 to use the farm only (default: its CUDA GPUs, or one)"
    parser.add_argument("--devices", type=int, metavar="N", help=workers)
    # for the window: this computer leaves when the input ends, however that comes about
    parser.add_argument("--attached", action="store_true", help=argparse.SUPPRESS)


def run_farm_command(options: argparse.Namespace) -> int:
    """Carry it out; raises `UserError`."""
    check_farm_options(options)
    if options.action == "status":
        return show_status(options)
    if options.attached:
        # a program that a script has begun in the background ignores it, and then nothing would interrupt
        signal.signal(signal.SIGINT, signal.default_int_handler)
        threading.Thread(target=end_with_input, name="input", daemon=True).start()
    address = None if options.action == "start" else full_address(options.address)
    ray_library(options.token)
    way = LOOPBACK if address is None else reach(address)
    if address is not None and is_alone(address):
        raise JobError(f"The farm at {address} is for its own computer alone: begin it with “dcvsr farm start --listen ADDRESS”.")
    take_part(address, options.listen or way, options)
    return 0


def take_part(address: str | None, listen: str, options: argparse.Namespace) -> None:
    """Be in the farm at an address, or in one that begins here, until Ctrl-C; raises `JobError`."""
    devices, gpus = devices_here(options.devices)
    log = farm_folder() / "node.log"
    begins = log.stat().st_size if log.exists() else 0
    command = node_command(devices, gpus, address, listen, options.port)
    surroundings = node_surroundings(len(devices), alone=address is None and listen in ALONE)
    with running_node(command, surroundings, log) as process:
        place = address or f"{listen}:{options.port}"
        wait_until_up(process, place, log, begins)
        token(options.token)  # it is kept now that it is known to be right
        if options.json:
            print_out(json.dumps({"address": place, "workers": len(devices)}))
        else:
            print_out(f"This computer is in the farm at {place} with {len(devices)} worker(s). Ctrl-C takes it out.")
            if address is None:
                print_out(f"Join with: dcvsr farm join {place} --token {token()}")
        wait_for_the_end(process, log)


def end_with_input() -> None:
    """End as by Ctrl-C when nobody can write to this process any more."""
    while sys.stdin.readline():
        pass
    _thread.interrupt_main()


def check_farm_options(options: argparse.Namespace) -> None:
    """Raise `SettingsError` where options make no sense."""
    if options.action == "join" and not options.address:
        raise SettingsError("Say which farm to join: the address where “dcvsr farm start” runs.")
    if options.action == "start" and options.address:
        raise SettingsError(f"“farm start” begins a farm here: say --listen {options.address}, or “farm join {options.address}”.")
    if options.token is not None and not options.token.strip():
        raise SettingsError("--token takes what “dcvsr farm start” printed on the first computer; it is empty.")
    if options.devices is not None and options.devices < 0:
        raise SettingsError(f"--devices takes how many workers run here, at least 0, not {options.devices}.")
    if not 0 < options.port < 65536:
        raise SettingsError(f"--port takes a number between 1 and 65535, not {options.port}.")


def wait_until_up(process: "subprocess.Popen[bytes]", place: str, log: Path, begins: int) -> None:
    """Wait until Ray says that it runs, after so many bytes of its log; raises `JobError` when it ends instead."""
    end = time.monotonic() + NODE_START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        if "Ray runtime started" in words_since(log, begins):
            return
        time.sleep(0.2)
    if WRONG_TOKEN.search(said := words_since(log, begins)):
        raise JobError(refusal_of(place, said))
    raise JobError(f"The farm at {place} cannot be begun or reached; Ray's reason is in {log}.")


def wait_for_the_end(process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for Ctrl-C, or until Ray ends; raises `JobError` then."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while (code := process.poll()) is None:
            time.sleep(END_LOOK_SECONDS)  # not `wait`, out of which the end of the input does not come
    except KeyboardInterrupt:
        return
    finally:
        signal.signal(signal.SIGTERM, previous)
    raise JobError(f"Ray ended ({code}), perhaps because the farm's first computer is gone; its reason is in {log}.")


def show_status(options: argparse.Namespace) -> int:
    """Print the workers of a farm and what they do."""
    ray_library(options.token)
    address = full_address(options.address or LOOPBACK)
    with connected(address) as ray:
        rows = worker_rows(nodes(ray), *answers_of(ray))
    token(options.token)
    print_out(json.dumps({"address": address, "workers": rows}) if options.json else status_table(rows))
    return 0
