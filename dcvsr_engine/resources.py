"""Where the bundled files are: source tree, wheel and frozen program alike. Torch-free."""

import sys
from pathlib import Path


def resource(*parts: str) -> Path:
    """The path of a bundled file or folder below ``resources/``; it may not exist."""
    package = Path(__file__).resolve().parent
    frozen = getattr(sys, "_MEIPASS", None)
    # in a wheel the resources lie inside the package
    roots = [Path(frozen) / "resources"] if frozen else [package.parent / "resources", package / "_resources"]
    root = next((root for root in roots if root.is_dir()), roots[-1])
    return root.joinpath(*parts)
