"""Export: write a trained network as a checkpoint folder that the engine loads, in half precision."""

import json
from pathlib import Path

from safetensors.torch import save_file

from dcvsr_engine.network.declaration import FILE
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.upsampler_config import UPSAMPLER_FOLDER
from dcvsr_engine.research.training.lora import merged_weights
from dcvsr_engine.research.training.start import Start
from dcvsr_engine.storage import discard, partial_path, put_in_place, sha256, write_text


def export(start: Start, folder: Path) -> None:
    """Write the network's current weights.

    A first stage that has no weights of its own makes the folder a whole model; with an autoencoder only the U-Net is written
    (``unet_ema/``), and the start folder is named as its base.
    """
    partial = partial_path(folder)
    partial.mkdir()
    try:
        if isinstance(start.stage, HaarFirstStage):
            write_network(start, partial / "unet")
            write_scales(start.stage, partial / "scales.json")
            declaration = start.declaration
        else:
            write_network(start, partial / "unet_ema")
            declaration = start.declaration.replace(base=str(start.folder.absolute()))
        if start.upsampler.network is not None:
            (partial / UPSAMPLER_FOLDER).mkdir()
            start.upsampler.network.save(partial / UPSAMPLER_FOLDER)
        # the hashes are the last thing written, over everything else
        files = sorted(path for path in partial.rglob("*") if path.is_file())
        hashes = {path.relative_to(partial).as_posix(): sha256(path) for path in files}
        (partial / FILE).write_text(declaration.replace(sha256=hashes).to_json(), encoding="utf-8")
        put_in_place(partial, folder)
    finally:
        discard(partial)


def write_network(start: Start, folder: Path) -> None:
    """Write configuration and weights, LoRA adapters merged."""
    folder.mkdir()
    start.unet.save_config(folder)
    half = {name: value.half().contiguous() for name, value in merged_weights(start.unet).items()}
    save_file(half, folder / "diffusion_pytorch_model.safetensors", metadata={"format": "pt"})


def write_scales(stage: HaarFirstStage, path: Path) -> None:
    """Write the factors that give the Haar bands unit variance."""
    names = "residual_scale", "condition_scale"
    scales = {name: [round(float(scale), 6) for scale in getattr(stage, name).flatten()] for name in names}
    write_text(path, json.dumps(scales))
