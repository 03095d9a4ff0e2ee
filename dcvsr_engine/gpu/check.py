"""Imports torch from a side folder in this fresh process, computes on the GPU and prints what it found as JSON."""

import json
import sys
import traceback
from typing import Any

ONES = 1000


def torch_facts(folder: str) -> dict[str, Any]:
    """Import torch from a folder: where it came from, its version, CUDA's version, and the GPU that adds up some ones."""
    sys.path.insert(0, folder)
    import torch

    found: dict[str, Any] = {"file": torch.__file__, "torch": torch.__version__, "cuda": torch.version.cuda, "device": ""}
    if torch.cuda.is_available():
        # only computing shows whether the driver is new enough for the build
        total = float(torch.ones(ONES, device="cuda").sum())
        found["device"] = torch.cuda.get_device_name() if total == ONES else ""
    return found


def print_torch_facts() -> None:
    """Print what was found as JSON, or the error that kept torch from starting."""
    try:
        found = torch_facts(sys.argv[1])
    except Exception as error:  # a build that does not fit may fail in any way; the parent process reads the reason
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    # the last line: what libraries print before it does no harm
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    print_torch_facts()
