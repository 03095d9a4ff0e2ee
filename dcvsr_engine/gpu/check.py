"""Imports torch from a side folder in this fresh process, computes on the GPU and prints what it found as JSON."""

import json
import sys
import traceback
from typing import Any

NUMBERS = 1000


def facts(folder: str) -> dict[str, Any]:
    """Where torch came from, its version, its CUDA version, and whether the GPU adds up some ones."""
    sys.path.insert(0, folder)
    import torch

    found: dict[str, Any] = {"file": torch.__file__, "torch": torch.__version__, "cuda": torch.version.cuda, "device": ""}
    if torch.cuda.is_available():
        total = float(torch.ones(NUMBERS, device="cuda").sum())
        found["device"] = torch.cuda.get_device_name() if total == NUMBERS else ""
    return found


def main() -> None:
    """Print facts, or the error that kept torch from starting."""
    try:
        found = facts(sys.argv[1])
    except Exception as error:  # a build that does not fit may fail in any way
        traceback.print_exc()
        found = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
