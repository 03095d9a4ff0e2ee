"""CLIP's view of the first frame, for checkpoints that declare it (SVD's image encoder); needs the package transformers."""

from pathlib import Path
from typing import Any, Self

import torch
from safetensors import safe_open
from torch import Tensor

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.device import DTYPES
from dcvsr_engine.network.layout import check_layers, weight_files
from dcvsr_engine.settings import Device, Precision
from dcvsr_engine.storage import read_json


class ImageEncoder:
    """CLIP's vision model and its preprocessing. It is on the computing device only while it sees a frame, once a segment.

    Attributes:
        network: gives ``image_embeds`` ``(n, width)`` for pictures ``(n, 3, size, size)``.
        mean, deviation: per colour channel, what the network's input is normalised with.
        device: computes.
    """

    def __init__(self, network: Any, mean: list[float], deviation: list[float], device: Device = "cpu") -> None:
        self.network, self.device = network.requires_grad_(False).eval(), device
        self.mean, self.deviation = torch.tensor(mean).view(3, 1, 1), torch.tensor(deviation).view(3, 1, 1)

    @classmethod
    def from_folder(cls, folder: Path, device: Device, precision: Precision) -> Self:
        """Read the encoder and how it wants its pictures.

        Args:
            folder: a checkpoint's, with ``image_encoder`` and ``feature_extractor``.
            device, precision: where the encoder computes, and in which number format.

        Raises:
            ModelError: a part is missing or damaged, or transformers is not installed.
        """
        try:
            from transformers import CLIPVisionModelWithProjection
        except ImportError:
            raise ModelError(
                "This model needs CLIP to see the first frame: install it with “pip install dcvsr-studio[clip]”."
            ) from None
        try:
            facts = read_json(folder / "feature_extractor" / "preprocessor_config.json")
            encoder = folder / "image_encoder"
            check_layers(encoder, read_json(encoder / "config.json"), sum(map(count_tensors, weight_files(encoder))))
            network = CLIPVisionModelWithProjection.from_pretrained(
                encoder, use_safetensors=True, local_files_only=True, dtype=DTYPES[precision]
            )
            return cls(network, facts["image_mean"], facts["image_std"], device)
        except Exception as error:  # transformers documents no set of errors for a damaged folder
            raise ModelError(f"The image encoder in {folder} is missing or damaged ({type(error).__name__}).") from None

    @torch.no_grad()
    def embed(self, frame: Tensor) -> Tensor:
        """Embed a frame, RGB 0..1 ``(3, height, width)``, as ``(1, 1, width)``."""
        from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import _resize_with_antialiasing

        size = self.network.config.image_size
        # on −1 … 1 and with the antialiasing of SVD's pipeline in diffusers
        small = _resize_with_antialiasing(2 * frame.unsqueeze(0) - 1, (size, size)) / 2 + 0.5
        normalised = (small - self.mean) / self.deviation
        try:
            weight = next(self.network.to(self.device).parameters())
            embedding: Tensor = self.network(normalised.to(weight)).image_embeds
            return embedding.float().cpu().unsqueeze(1)
        finally:
            self.network.to("cpu")


def count_tensors(path: Path) -> int:
    """How many tensors a safetensors file holds; raises what `safetensors.safe_open` raises."""
    with safe_open(path, "pt") as weights:
        return len(weights.keys())
