"""Metrics computed by other programs: VMAF by ffmpeg, and ``pyiqa``'s learned ones where it is installed with its weights."""

import functools
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.pictures import Pictures, to_tensor


def vmaf(result: Pictures, truth: Pictures) -> float:
    """Compute VMAF 0.6.1 with the ffmpeg program of the package ``imageio-ffmpeg``.

    Args:
        result, truth: uint8 ``(frames, height, width, 3)``.

    Returns:
        The mean over the frames, 0 … 100.

    Raises:
        ModelError: the package is not installed, or its ffmpeg has no VMAF.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise ModelError("VMAF needs ffmpeg: install it with “pip install dcvsr-studio[metrics]”.") from None
    height, width = truth.shape[1:3]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs: list[str] = []
        for file, pictures in ((folder / "result.rgb", result), (folder / "truth.rgb", truth)):
            pictures.tofile(file)
            inputs += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", str(file)]
        # ffmpeg runs inside the folder: a path in the filter's text would need escaping
        graph = "[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]libvmaf=n_threads=2:log_fmt=json:log_path=vmaf.json"
        command = [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", *inputs, "-lavfi", graph, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ModelError(f"ffmpeg could not compute VMAF: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        report = json.loads((folder / "vmaf.json").read_text(encoding="utf-8"))
    return float(report["pooled_metrics"]["vmaf"]["mean"])


@functools.cache
def pyiqa_metric(name: str) -> Any:
    """Load a metric of ``pyiqa`` by its name there; raises `ModelError` when it or its weights are not available."""
    try:
        import pyiqa
    except ImportError as error:
        raise ModelError(f"the Python package {error.name or 'pyiqa'} is not installed") from None
    except Exception as error:  # a broken installation must not end an evaluation
        raise ModelError(f"the Python package pyiqa cannot be loaded: {error}") from None
    if name not in pyiqa.list_models():
        raise ModelError(f"the installed pyiqa does not offer {name}.")
    try:
        return pyiqa.create_metric(name, device=torch.device("cpu"))
    except Exception as error:  # whatever its downloads and loaders raise: the table says why there is no number
        raise ModelError(f"the weights of {name} could not be loaded: {error}") from None


def pyiqa_score(name: str, result: Pictures, truth: Pictures | None) -> float:
    """Average a pyiqa metric over the frames.

    Args:
        name: of the metric in pyiqa.
        result: uint8 ``(frames, height, width, 3)``.
        truth: the same for metrics that compare, else ``None``.

    Raises:
        ModelError: see `pyiqa_metric`.
    """
    metric = pyiqa_metric(name)
    scores = []
    with torch.no_grad():
        for index in range(len(result)):
            # one frame at a time: pyiqa's networks need gigabytes for a clip
            pair = [result] if truth is None else [result, truth]
            scores.append(metric(*(to_tensor(pictures[index, None]) for pictures in pair)).mean())
    return float(torch.stack(scores).mean())
