"""The start of training: the network of the start folder, its first stage, its conventions."""

import re
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from torch import Tensor

from dcvsr_engine.errors import ModelError, SettingsError
from dcvsr_engine.network.checkpoint import FirstStage, check_conventions, load_first_stage, load_network
from dcvsr_engine.network.clip import ImageEncoder
from dcvsr_engine.network.declaration import FILE, Declaration, UpsamplerKind
from dcvsr_engine.network.first_stage import AUTOENCODER, RESIDUAL_TRANSFORM
from dcvsr_engine.network.upsampler_config import upsampler_config
from dcvsr_engine.network.upsampling import VideoUpsampler, load_upsampler
from dcvsr_engine.research.training.lora import adapt
from dcvsr_engine.research.training.objective import Conditioning, silence_temporal_layers
from dcvsr_engine.research.training.recipe import TRAINING_SCALE, Recipe
from dcvsr_engine.settings import Device

TOGETHER = 64
"""Crops that a learned upsampler enlarges at once."""


class Start:
    """The network to train and what surrounds it.

    Attributes:
        folder: the start folder.
        unet: the network, in float32; the trainer moves it to its device.
        declaration: the conventions to train with and to export.
        stage: the first stage, whose weights stay fixed.
        image_encoder: CLIP, where the declaration asks for it.
        upsampler: makes ``I_up``; its weights stay fixed.
    """

    def __init__(self, recipe: Recipe, device: Device) -> None:
        self.folder = Path(recipe.start)
        check_start(self.folder)
        self.unet = starting_network(self.folder / "unet", recipe.scratch, recipe.seed)
        if recipe.narrow:
            self.unet = narrowed(self.unet, recipe.narrow, recipe.seed)
        if recipe.lora:
            adapt(self.unet, recipe.lora, recipe.seed)
        self.declaration = declare(recipe, self.folder, self.unet.config)
        check_conventions(self.folder, self.declaration, self.unet.config)
        check_recipe(recipe, self.declaration, device)

        def network(kind: Any, root: Path, name: str) -> Any:
            return load_network(kind, root / name).to(device)

        self.stage: FirstStage = load_first_stage(self.declaration, self.folder, self.unet, network)
        first_frame = self.declaration.image_embedding == "first-frame"
        self.image_encoder = ImageEncoder.from_folder(self.folder, device, "fp32") if first_frame else None
        self.upsampler = load_upsampler(self.declaration.upsampler, self.folder, device, together=TOGETHER)

    @property
    def context(self) -> int:
        """Frames on either side of a frame that the upsampler looks at."""
        return self.upsampler.frames // 2

    def enlarge(self, low: Tensor) -> Tensor:
        """Compute ``I_up`` of clips; see `enlarge_clips`."""
        return enlarge_clips(self.upsampler, low)

    def encode_condition(self, upscaled: Tensor) -> Conditioning:
        """Compute the network's other inputs from enlarged clips, RGB 0..1 ``(batch, frames, 3, height, width)``."""
        batch, frames = upscaled.shape[:2]
        condition = self.stage.encode_condition(upscaled.flatten(0, 1)).unflatten(0, (batch, frames)).to(upscaled.device)
        embedding = upscaled.new_zeros(batch, 1, self.unet.config.cross_attention_dim)
        if self.image_encoder is not None:
            embedding = torch.cat([self.image_encoder.embed(clip[0].cpu()) for clip in upscaled]).to(upscaled.device)
        ids = upscaled.new_tensor(self.declaration.added_time_ids).expand(batch, -1)
        return Conditioning(condition, embedding, ids)


def check_start(folder: Path) -> None:
    """Raise `ModelError` where a start folder lacks the network's config or the first stage."""
    if not (folder / "unet" / "config.json").is_file():
        raise ModelError(
            f"The start folder “{folder}” holds no unet/config.json: put the model that the recipe starts from there, "
            "or name its folder with --start."
        )
    if not any((folder / name).is_file() for name in ("scales.json", "vae/config.json")):
        raise ModelError(f"The start folder “{folder}” is incomplete: neither scales.json nor vae/config.json is there.")


def enlarge_clips(upsampler: VideoUpsampler, low: Tensor) -> Tensor:
    """Enlarge clips `TRAINING_SCALE` times.

    Args:
        upsampler: looks at ``context`` frames on either side.
        low: RGB 0..1 ``(batch, frames + 2 · context, 3, h, w)``.

    Returns:
        ``I_up`` of the frames in the middle ``(batch, frames, 3, 4 · h, 4 · w)``.
    """
    windows = low.unfold(1, upsampler.frames, 1).movedim(-1, 2)
    enlarged: Tensor = upsampler(windows.flatten(0, 1), TRAINING_SCALE).unflatten(0, (len(low), -1))
    return enlarged


def declared_upsampler(recipe: Recipe) -> UpsamplerKind:
    """Read which upsampler recipe or start folder declare, before anything is loaded; raises `ModelError`."""
    folder = Path(recipe.start)
    own = Declaration.from_folder(folder).upsampler if (folder / FILE).is_file() else "bicubic"
    return "learned" if recipe.declaration.get("upsampler", own) == "learned" else "bicubic"


def declared_context(recipe: Recipe) -> int:
    """Read how many frames on either side of a frame the declared upsampler looks at; raises `ModelError`."""
    config = upsampler_config(declared_upsampler(recipe), Path(recipe.start))
    return config.context if config else 0


def starting_network(folder: Path, scratch: bool, seed: int) -> UNetSpatioTemporalConditionModel:
    """Load the network with the folder's weights, or initialise it with temporal layers that begin without effect."""
    if scratch:
        # diffusers initialises from the global generator
        torch.manual_seed(seed)
        unet = UNetSpatioTemporalConditionModel.from_config(UNetSpatioTemporalConditionModel.load_config(folder))
        silence_temporal_layers(unet)
    else:
        unet = load_network(UNetSpatioTemporalConditionModel, folder).requires_grad_(True)
    return unet.train()


def narrowed(unet: UNetSpatioTemporalConditionModel, changes: dict[str, Any], seed: int) -> UNetSpatioTemporalConditionModel:
    """Make a network with some ``changes`` of the configuration, from the first channels of each layer of ``unet``.

    Layers that ``unet`` lacks begin as diffusers initialises them. Raises `SettingsError` where the network would be wider.
    """
    torch.manual_seed(seed)
    config = dict(unet.config) | changes
    try:
        narrow: UNetSpatioTemporalConditionModel = UNetSpatioTemporalConditionModel.from_config(config)
        weights = unet.state_dict()
        for name, weight in narrow.state_dict().items():
            if name in weights:
                weight.copy_(first_channels(weights[name], weight.shape, skip_inputs(name, unet.config, narrow.config)))
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        raise SettingsError(f"The recipe's “narrow” does not fit the network it starts from: {error}") from None
    return narrow.train()


def first_channels(weight: Tensor, shape: torch.Size, skip: tuple[int, int] | None) -> Tensor:
    """Take the first channels of a ``weight`` along every axis, as many as ``shape`` has.

    Args:
        weight: of a wider layer.
        shape: of the narrower one.
        skip: where the layer's input is joined from two, how many channels the first has in the wider and in the narrower one.
    """
    for axis, (wide, narrow) in enumerate(zip(weight.shape, shape, strict=True)):
        if wide == narrow:
            continue
        kept = torch.arange(narrow)
        if skip is not None and (axis == 1 or weight.dim() == 1):
            kept[skip[1] :] += skip[0] - skip[1]
        weight = weight.index_select(axis, kept.to(weight.device))
    return weight


JOINED = re.compile(r"up_blocks\.(\d+)\.resnets\.(\d+)\.spatial_res_block\.(norm1|conv1|conv_shortcut)\.")
"""Layers whose input is joined from the one below and a skip connection."""


def skip_inputs(name: str, wide: Any, narrow: Any) -> tuple[int, int] | None:
    """Return how many input channels of a layer come from below in the ``wide`` and the ``narrow`` network, if it has others."""
    found = JOINED.match(name)
    if found is None or name.endswith("conv1.bias") or name.endswith("conv_shortcut.bias"):
        return None
    block, layer = int(found[1]), int(found[2])
    # the first layer of a block sees what the block below it made
    level = -1 - (max(block - 1, 0) if layer == 0 else block)
    return wide.block_out_channels[level], narrow.block_out_channels[level]


def declare(recipe: Recipe, folder: Path, config: Any) -> Declaration:
    """Combine the recipe's conventions with those of the start folder; raises `UserError`."""
    if (folder / FILE).is_file():
        own = Declaration.from_folder(folder)
    elif (folder / "scales.json").is_file():
        own = compact_conventions(recipe, config)
    else:
        own = svd_conventions(recipe, folder, config)
    description = f"Trained with the recipe “{recipe.name}”."
    made: dict[str, Any] = {"name": recipe.name, "title": recipe.name, "description": description, "training_data": ""}
    try:
        return own.replace(**(made | recipe.declaration))
    except ModelError as error:
        raise SettingsError(f"The recipe's declaration is not understood: {error}") from None


def compact_conventions(recipe: Recipe, config: Any) -> Declaration:
    """Assume the conventions of a start folder with fixed residual transform and without a declaration."""
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    return Declaration(
        name=recipe.name, title=recipe.name,
        first_stage=RESIDUAL_TRANSFORM, factor=4, multiple=2 ** (len(config.block_out_channels) - 1),
        added_time_ids=(0.0,) * ids, image_embedding="none", unconditional=(), guidance="none", guidance_scale=1.0,
        steps=4, sigma_min=recipe.sigma_min, sigma_max=recipe.sigma_max,
    )  # fmt: skip


def svd_conventions(recipe: Recipe, folder: Path, config: Any) -> Declaration:
    """Assume Stable Video Diffusion's conventions for a start folder of its layout."""
    levels = len(AutoencoderKLTemporalDecoder.load_config(folder / "vae")["block_out_channels"])
    multiple = 2 ** (len(config.block_out_channels) - 1)
    return Declaration(name=recipe.name, title=recipe.name, first_stage=AUTOENCODER, factor=2 ** (levels - 1), multiple=multiple,
                       sigma_min=recipe.sigma_min, sigma_max=recipe.sigma_max)  # fmt: skip


def check_recipe(recipe: Recipe, declaration: Declaration, device: Device) -> None:
    """Raise `SettingsError` where the recipe does not fit the network's conventions or the device."""
    for phase in recipe.phases:
        if declaration.first_stage == AUTOENCODER and max(
            phase.perceptual, phase.lattice, phase.change, phase.excess, phase.adversarial, phase.taught, phase.tile
        ):
            raise SettingsError(
                "Set “perceptual”, “lattice”, “change”, “excess”, “adversarial”, “taught” and “tile” to 0: "
                "they are for the compact model."
            )
        if device == "cpu" and "cpu" in recipe.bf16 and min(phase.frames, phase.window or phase.frames) == 2:
            # oneDNN's bf16 gradient of a convolution over two frames is NaN (torch 2.13)
            raise SettingsError("Two frames do not train in bf16 on the processor: take three, or leave “cpu” out of “bf16”.")
        if phase.tile and (recipe.gradient_checkpointing or recipe.compile):
            raise SettingsError("Set “gradient_checkpointing” and “compile” to false: phases with “tile” cannot use them.")
    droppable = {"condition"} | ({"image_embedding"} if declaration.image_embedding == "first-frame" else set())
    if recipe.dropout and not droppable & set(declaration.unconditional):
        raise SettingsError("There is nothing to drop: set “dropout” to 0, or declare what “unconditional” means.")
