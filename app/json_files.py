"""JSON files that are either complete or not there."""

import json
from pathlib import Path
from typing import Any

from dcvsr_engine.video.files import partial_path


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` under a temporary name and rename it; raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    partial.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> Any:
    """The file's value; raises `OSError` or, when it is no JSON, `ValueError`."""
    return json.loads(path.read_text(encoding="utf-8"))
