"""``dcvsr gpu …``: its actions and what they do. Torch-free."""

import argparse
import dataclasses
import json
import sys

from dcvsr_engine.gpu.detect import detect_gpu
from dcvsr_engine.gpu.install import install_cuda_build
from dcvsr_engine.gpu.switch import Build, gpu_folder, remove_build, size_of_builds, switched_on
from dcvsr_engine.terminal import print_out


def add_gpu_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("action", choices=["status", "install", "remove"], nargs="?", default="status")
    parser.add_argument("--index", default="", metavar="URL", help="use this package index, too")


def run_gpu_command(options: argparse.Namespace) -> int:
    """Run ``dcvsr gpu``; 0. Raises `UserError`."""
    if options.action == "install":
        print_state(install_cuda_build(PrintedSteps(), options.index), options.json)
    elif options.action == "remove":
        remove_build()
        print_state(None, options.json)
    else:
        print_state(switched_on(), options.json)
    return 0


class PrintedSteps:
    """Prints the current step of the installation whenever it changes."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, what: str, done: int, total: int) -> None:
        """See `install.InstallProgress`."""
        if what != self._last:
            self._last = what
            print(f"{what} …", file=sys.stderr, flush=True)


def print_state(build: Build | None, as_json: bool) -> None:
    """Print the GPU and the build that is switched on."""
    gpu = detect_gpu()
    if as_json:
        facts = {
            "gpu": gpu and dataclasses.asdict(gpu),
            "build": build and dataclasses.asdict(build),
            "folder": str(gpu_folder()),
        }
        print_out(json.dumps(facts))
        return
    print_out(
        f"GPU      {gpu.name}, driver {gpu.driver or 'unknown'}" if gpu else "GPU      no NVIDIA GPU with a driver was found"
    )
    if build:
        print_out(
            f"PyTorch  {build.torch} for CUDA {build.cuda} in {gpu_folder() / build.folder} ({size_of_builds() / 1e9:.1f} GB)"
        )
    else:
        print_out("PyTorch  the bundled one" + ("; “dcvsr gpu install” fetches one that uses the GPU" if gpu else ""))
