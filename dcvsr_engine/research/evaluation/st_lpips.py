"""ST-LPIPS, the shift-tolerant perceptual distance (Ghildyal & Liu, ECCV 2022): own code for the published weights."""

import importlib.util
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from dcvsr_engine.errors import ModelError

Backbone = Literal["alex", "vgg"]

RGB_MEAN = (-0.030, -0.088, -0.188)
RGB_DEVIATION = (0.458, 0.448, 0.450)
"""LPIPS' normalisation of RGB in −1 … 1 (Zhang et al. 2018): ImageNet's mean and deviation."""

VGG_STAGES = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512))


class BlurPool(nn.Module):
    """Binomial filter (1 2 1)⊗(1 2 1)/16 with stride 2 (Zhang, ICML 2019), over two reflected border pixels.

    The filter needs one reflected pixel only; ST-LPIPS was trained with two.
    """

    kernel: Tensor

    def __init__(self) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", torch.outer(row, row)[None, None], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Filter ``(n, c, h, w)`` to ``(n, c, h // 2 + 1, w // 2 + 1)`` (odd sizes rounded up)."""
        channels = features.shape[1]
        padded = F.pad(features, (2, 2, 2, 2), mode="reflect")
        return F.conv2d(padded, self.kernel.to(features.dtype).expand(channels, 1, 3, 3), stride=2, groups=channels)


def alex_stages() -> list[nn.Sequential]:
    """Build AlexNet's features as in ST-LPIPS: stride 1 in the first convolution, blur-pools wherever AlexNet skips pixels."""
    return [
        nn.Sequential(nn.Conv2d(3, 64, 11, padding=2), BlurPool(), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=1), BlurPool(), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(3, stride=1), BlurPool(), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
    ]


def vgg_stages() -> list[nn.Sequential]:
    """Build VGG-16's features with a blur-pool after each pooling of stride 1."""
    stages = []
    for number, widths in enumerate(VGG_STAGES):
        layers: list[nn.Module] = [nn.MaxPool2d(2, stride=1), BlurPool()] if number else []
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
        stages.append(nn.Sequential(*layers))
    return stages


def weights_file(backbone: Backbone) -> Path:
    """Find the weights in the installed package ``stlpips-pytorch``; raises `ModelError` when it is not installed."""
    package = importlib.util.find_spec("stlpips_pytorch")
    if package is None or package.origin is None:
        raise ModelError("ST-LPIPS needs its weights: install them with “pip install dcvsr-studio[metrics]”.")
    return Path(package.origin).parent / "weights" / "vST0.0" / f"{backbone}_shift_tolerant.pth"


class STLPIPS(nn.Module):
    """Distance of two pictures in the features of a shift-tolerant network; 0 for equal ones. Differentiable, weights fixed.

    Not numerically LPIPS: always report it as ST-LPIPS. ``alex`` is for evaluation; ``vgg`` may serve as a training loss, so that
    no network is trained on the metric that evaluates it.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(RGB_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(RGB_DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.stages = nn.ModuleList(alex_stages() if backbone == "alex" else vgg_stages())
        widths = [[m.out_channels for m in stage.modules() if isinstance(m, nn.Conv2d)][-1] for stage in self.stages]
        self.heads = nn.ParameterList(torch.zeros(1, width, 1, 1) for width in widths)

    @classmethod
    def load(cls, backbone: Backbone) -> Self:
        """Load the published metric from the package ``stlpips-pytorch`` (BSD-2, a dependency of research only).

        Its weights are a ``.pth`` file; they are read with ``weights_only=True``, which admits tensors only, and none of the
        package's code runs.

        Raises:
            ModelError: the package is not installed, or another version of it.
        """
        metric = cls(backbone)
        published = torch.load(weights_file(backbone), map_location="cpu", weights_only=True)
        # the published names differ from ours, the order does not; `.filt` are the fixed blur filters
        features = [value for name, value in published.items() if name.startswith("net.") and not name.endswith(".filt")]
        heads = [value for name, value in published.items() if name.startswith("lin")]
        for parameter, value in zip(metric.parameters(), features + heads, strict=True):
            if parameter.shape != value.shape:
                raise ModelError("The installed ST-LPIPS weights are not those of stlpips-pytorch 0.0.2: install that version.")
            parameter.data.copy_(value)
        return metric.requires_grad_(False).eval()

    @classmethod
    def from_file(cls, backbone: Backbone, path: Path) -> Self:
        """Read what `save_half` wrote; raises `ModelError`."""
        metric = cls(backbone)
        try:
            metric.load_state_dict(load_file(path))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise ModelError(f"“{path}” does not hold the weights of ST-LPIPS: {' '.join(str(error).split())}.") from None
        return metric.requires_grad_(False).eval()

    def save_half(self, path: Path) -> None:
        """Write the weights in half precision, as safetensors."""
        save_file({name: value.half().contiguous() for name, value in self.state_dict().items()}, path)

    def features(self, pictures: Tensor) -> list[Tensor]:
        """Compute the five stages' features of RGB 0..1 ``(n, 3, h, w)``, of unit length at every position, in float32."""
        values = (2 * pictures - 1 - self.mean) / self.deviation
        features = []
        for stage in self.stages:
            values = stage(values)
            features.append(F.normalize(values.float(), dim=1, eps=1e-10))
        return features

    def compare(self, left: list[Tensor], right: list[Tensor]) -> Tensor:
        """Compute the distance ``(n,)`` of two results of `features`."""
        pairs = zip(left, right, self.heads, strict=True)
        return torch.stack([((a - b).square() * head).sum(1).mean((1, 2)) for a, b, head in pairs]).sum(0)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Compute ST-LPIPS ``(n,)`` of each pair of RGB 0..1 ``(n, 3, h, w)``, at least 32 pixels a side."""
        return self.compare(self.features(a), self.features(b))
