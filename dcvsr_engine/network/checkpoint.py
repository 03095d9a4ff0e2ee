"""Checkpoint folders to networks: diffusers layout plus ``dcvsr.json``; safetensors only (method.md §7)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from accelerate.utils.memory import clear_device_cache
from diffusers import AutoencoderKLTemporalDecoder, UNetSpatioTemporalConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.clip import ImageEncoder
from dcvsr_engine.network.declaration import FILE, UNET_FOLDERS, Declaration
from dcvsr_engine.network.device import DTYPES, resolve_device, resolve_precision
from dcvsr_engine.network.first_stage import HAAR, RESIDUAL_TRANSFORM, VAE
from dcvsr_engine.network.fused import adapt_to_device, order_convolutions
from dcvsr_engine.network.haar import HaarFirstStage
from dcvsr_engine.network.layout import check_layers, subfolder, weight_files
from dcvsr_engine.network.preview import TINY_CHANNELS, TINY_FACTOR, TinyDecoder, load_tiny_decoder
from dcvsr_engine.network.upsampling import BicubicUpsampler, VideoUpsampler, load_upsampler
from dcvsr_engine.network.vae import VaeFirstStage
from dcvsr_engine.settings import Device, Precision
from dcvsr_engine.storage import read_json


class FirstStage(Protocol):
    """Pixels to latents and back. Pixels are RGB 0..1.

    Attributes:
        factor: pixels per latent along an axis.
        latent_channels, condition_channels: channels of ``x_0`` and of ``l``.
    """

    factor: int
    latent_channels: int
    condition_channels: int

    def encode_condition(self, upscaled: Tensor, check: Callable[[], None] = lambda: None) -> Tensor:
        """Encode the enlarged input.

        Args:
            upscaled: ``(frames, 3, height, width)``.
            check: called before every tile; raises to stop.

        Returns:
            ``l`` ``(frames, condition_channels, height / factor, width / factor)``.
        """

    def encode_target(self, frames: Tensor, upscaled: Tensor) -> Tensor:
        """Encode frames to train towards.

        Args:
            frames, upscaled: ``(frames, 3, height, width)``; the second is the enlarged input.

        Returns:
            ``x_0`` ``(frames, latent_channels, height / factor, width / factor)``.
        """

    def decode(self, latents: Tensor, upscaled: Tensor, check: Callable[[], None] = lambda: None, before: int = 0) -> Tensor:
        """Decode ``x_0``.

        Args:
            latents: ``(frames, latent_channels, height / factor, width / factor)``; neighbours on either side may be among them.
            upscaled: the enlarged input of the wanted frames, ``(wanted frames, 3, height, width)``.
            check: called before every tile; raises to stop.
            before: how many neighbours come before the wanted frames.

        Returns:
            ``(wanted frames, 3, height, width)``, not clamped.
        """


@dataclass
class Model:
    """A loaded checkpoint.

    Attributes:
        declaration: its conventions.
        folder: where it came from.
        unet, first_stage: the networks, on ``device`` in ``dtype``.
        image_encoder: CLIP, where the declaration asks for it.
        upsampler: makes ``I_up``, in float32; a network in it computes in ``dtype``.
        tiny_decoder: shows latents while they are sampled, where the user has one.
    """

    declaration: Declaration
    folder: Path
    unet: UNetSpatioTemporalConditionModel
    first_stage: FirstStage
    device: Device
    precision: Precision
    image_encoder: ImageEncoder | None = None
    upsampler: VideoUpsampler = BicubicUpsampler()
    tiny_decoder: TinyDecoder | None = None

    def to_device(self, x: Tensor) -> Tensor:
        """``x`` of any shape where and as the network computes."""
        return x.to(self.device, DTYPES[self.precision])

    def move(self, device: Device) -> None:
        """Move all weights, to the processor for a pause and back; the model still belongs to ``self.device``."""
        for part in self.networks:
            part.to(device)
        clear_device_cache()

    @property
    def networks(self) -> list[nn.Module]:
        """The U-Net and, where there are such, autoencoder, learned upsampler and tiny decoder."""
        parts = self.unet, getattr(self.first_stage, "vae", None), self.upsampler.network, self.tiny_decoder
        return [part for part in parts if part is not None]

    @contextmanager
    def full_precision(self) -> Iterator[None]:
        """Compute in fp32 inside, for what half precision cannot hold; the weights come back as they were."""
        precision = self.precision
        weights = [weight for network in self.networks for weight in (*network.parameters(), *network.buffers())]
        dtypes = [weight.dtype for weight in weights]
        try:
            self.precision = "fp32"
            # every half-precision number is a float32 number too, so the way there and back is exact
            for weight in weights:
                weight.data = weight.data.float()
            yield
        finally:
            self.precision = precision
            for weight, dtype in zip(weights, dtypes, strict=True):
                weight.data = weight.data.to(dtype)


def load(
    folder: Path, base: Path, device: str = "auto", precision: Precision = "auto", tiny_decoder: Path | None = None
) -> Model:
    """Load a checkpoint from its folders.

    Args:
        folder: holds the U-Net, a learned upsampler and ``dcvsr.json``.
        base: holds the first stage and the image encoder; ``folder`` itself where the checkpoint is complete.
        device: where to compute.
        precision: number format to compute in.
        tiny_decoder: file of a decoder for previews, of Stable Diffusion's latents.

    Raises:
        ModelError: the checkpoint is incomplete or damaged, or the device is not available.
    """
    declaration = Declaration.from_folder(folder)
    device = resolve_device(device)
    precision = resolve_precision(precision, device)

    def network(kind: Any, root: Path, *names: str) -> Any:
        return load_network(kind, subfolder(root, names), DTYPES[precision]).to(device)

    unet = network(UNetSpatioTemporalConditionModel, folder, *UNET_FOLDERS)
    adapt_to_device(unet, device)
    check_conventions(folder, declaration, unet.config)
    stage = load_first_stage(declaration, base, unet, network)
    shown = isinstance(stage, VaeFirstStage) and (stage.latent_channels, stage.factor) == (TINY_CHANNELS, TINY_FACTOR)
    return Model(
        declaration=declaration,
        folder=folder,
        unet=unet,
        first_stage=stage,
        device=device,
        precision=precision,
        image_encoder=ImageEncoder.from_folder(base, device, precision) if declaration.image_embedding == "first-frame" else None,
        upsampler=load_upsampler(declaration.upsampler, folder, device, DTYPES[precision]),
        tiny_decoder=load_tiny_decoder(tiny_decoder).to(device, DTYPES[precision]) if tiny_decoder and shown else None,
    )


def check_conventions(folder: Path, declaration: Declaration, config: Any) -> None:
    """Compare what is declared with the U-Net.

    Args:
        folder: the model's, to be named in the error.
        declaration: the model's.
        config: diffusers' configuration of the U-Net.

    Raises:
        ModelError: they do not fit.
    """
    ids = config.projection_class_embeddings_input_dim // config.addition_time_embed_dim
    if len(declaration.added_time_ids) != ids:
        raise ModelError(f"The U-Net in {folder} takes {ids} added_time_ids; {FILE} declares {len(declaration.added_time_ids)}.")
    unit = 2 ** (len(config.block_out_channels) - 1)
    if declaration.multiple % unit:
        raise ModelError(f"The U-Net in {folder} needs a multiple of {unit}; {FILE} declares {declaration.multiple}.")


def load_first_stage(declaration: Declaration, folder: Path, unet: Any, network: Callable[..., Any]) -> FirstStage:
    """Load the first stage that a model declares.

    Args:
        declaration: the model's.
        folder: holds the first stage.
        unet: whose channels it has to fit.
        network: loads a network of a class from the first of some subfolders that exists.

    Raises:
        ModelError: it is missing or damaged, or its channels do not fit the U-Net's.
    """
    stage: FirstStage
    if declaration.first_stage == RESIDUAL_TRANSFORM:
        try:
            stage = HaarFirstStage.from_file(folder / HAAR.scales_file)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{folder / HAAR.scales_file} cannot be read: {error}.") from None
    else:
        vae = network(AutoencoderKLTemporalDecoder, folder, VAE.weights_folder)
        order_convolutions(vae)
        stage = VaeFirstStage(vae, declaration.condition_scaled)
    expected = stage.latent_channels + stage.condition_channels, stage.latent_channels
    found = int(unet.config.in_channels), int(unet.config.out_channels)
    if expected != found:
        raise ModelError(
            f"The U-Net in {folder} has {found[0]} input and {found[1]} output channels; "
            f"its first stage needs {expected[0]} and {expected[1]}."
        )
    return stage


def load_network(kind: Any, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """A diffusers network of class ``kind`` from ``config.json`` and safetensors in ``folder``; raises `ModelError`."""
    try:
        config = dict(read_json(folder / "config.json"))
    except (OSError, ValueError, TypeError) as error:
        raise ModelError(f"{folder / 'config.json'} cannot be read: {error}.") from None
    weights = read_weights(folder)
    check_layers(folder, config, len(weights))
    try:
        with torch.device("meta"):
            network = kind.from_config(config)
    except Exception as error:  # whatever a constructor makes of values that are not its own
        raise ModelError(f"{folder / 'config.json'} does not describe a {kind.__name__} ({type(error).__name__}).") from None
    # compared by name and shape: nothing is dropped, filled in or converted silently
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    for name in sorted(expected.keys() | weights.keys()):
        found = tuple(weights[name].shape) if name in weights else "missing"
        wanted = expected.get(name, "nothing")
        if found != wanted:
            raise ModelError(f"The weights in {folder} do not fit their config.json: {name} is {found}, expected {wanted}.")
    # assigned, because the network has no memory of its own on the meta device
    network.load_state_dict({name: value.to(dtype) for name, value in weights.items()}, assign=True)
    return network.requires_grad_(False).eval()


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Read all tensors of the folder's `weight_files`; raises `ModelError` when there are none, or one is damaged."""
    files = weight_files(folder)
    if not files:
        raise ModelError(f"The model in {folder} is incomplete: there is no .safetensors file.")
    weights: dict[str, Tensor] = {}
    for file in files:
        try:
            weights |= load_file(file)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{file} is damaged or no safetensors file ({error}); get it again.") from None
    return weights
