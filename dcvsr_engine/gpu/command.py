"""``dcvsr gpu …``: its actions and what they do. Torch-free."""

import argparse
import dataclasses
import json
import sys

from dcvsr_engine.gpu.detect import detect
from dcvsr_engine.gpu.install import install
from dcvsr_engine.gpu.switch import Build, gpu_folder, remove, size, switched_on

DESCRIPTION = (
    "Use an NVIDIA GPU: install, or remove, a CUDA build of PyTorch beside the bundled one. "
    "With DCVSR_GPU=off in the environment the program does without it."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("action", choices=["status", "install", "remove"], nargs="?", default="status")
    parser.add_argument("--index", default="", metavar="URL", help="a further package index to look at")


def run(options: argparse.Namespace) -> int:
    """Do what the options say; raises `UserError`."""
    if options.action == "install":
        tell(install(Steps(), options.index), options.json)
    elif options.action == "remove":
        remove()
        tell(None, options.json)
    else:
        tell(switched_on(), options.json)
    return 0


class Steps:
    """Prints what is being done whenever it changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """See `install.Progress`."""
        if what != self._last:
            self._last = what
            print(f"{what} …", file=sys.stderr, flush=True)


def tell(build: Build | None, as_json: bool) -> None:
    """Print which GPU there is and which build is switched on."""
    gpu = detect()
    if as_json:
        facts = {
            "gpu": gpu and dataclasses.asdict(gpu),
            "build": build and dataclasses.asdict(build),
            "folder": str(gpu_folder()),
        }
        print(json.dumps(facts, ensure_ascii=False))
        return
    print(f"GPU      {gpu.name}, driver {gpu.driver or 'unknown'}" if gpu else "GPU      no NVIDIA GPU with a driver was found")
    if build:
        print(f"PyTorch  {build.torch} for CUDA {build.cuda} in {gpu_folder() / build.folder} ({size() / 1e9:.1f} GB)")
    else:
        print("PyTorch  the bundled one" + ("; “dcvsr gpu install” fetches one that uses the GPU" if gpu else ""))
