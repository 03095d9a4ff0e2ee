"""An adversary: a critic that learns to tell restored pairs of frames from true ones, against the network under training.

A distance to the truth rewards whatever lies close to it, even faint patterns that no camera makes; a critic sees these.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

PAIR = 2
"""Successive frames that the critic sees at once, so that it judges change as well."""

DETAIL = 8.0
"""What the critic's view of the detail over the enlarged frames is multiplied by; it has a standard deviation of about 0.05."""

OPTIMIZER = "optimizer."
"""Prefix of the optimiser's moments among `Adversary.tensors`."""


def spectral_convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Module:
    """Return a convolution with spectral normalisation (Miyato et al. 2018)."""
    module: nn.Module = spectral_norm(reflecting_convolution(inputs, outputs, kernel, stride, bias=False))
    return module


def reflecting_convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """Return a convolution that sees no border of zeros, along which the network under training would be judged leniently."""
    return nn.Conv2d(inputs, outputs, kernel, stride, 1, bias=bias, padding_mode="reflect")


class Critic(nn.Module):
    """Judges pictures pixel by pixel: a U-Net with spectral normalisation (Schönfeld et al. 2020; Wang et al. 2021).

    Args:
        inputs: channels of what is judged.
        channels: of the finest level; doubled at each of the three coarser ones.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        sizes = [channels * 2**level for level in range(4)]
        self.first = reflecting_convolution(inputs, channels)
        self.down = nn.ModuleList(spectral_convolution(fine, fine * 2, 4, 2) for fine in sizes[:-1])
        self.up = nn.ModuleList(spectral_convolution(coarse, coarse // 2) for coarse in sizes[:0:-1])
        self.last = nn.Sequential(
            spectral_convolution(channels, channels), nn.LeakyReLU(0.2), reflecting_convolution(channels, 1)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute logits ``(n, 1, h, w)``, positive where pictures ``(n, inputs, h, w)`` look true; sides are multiples of 8."""
        levels = [F.leaky_relu(self.first(pictures), 0.2)]
        for layer in self.down:
            levels.append(F.leaky_relu(layer(levels[-1]), 0.2))
        x = levels.pop()
        for layer in self.up:
            enlarged = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = F.leaky_relu(layer(enlarged), 0.2) + levels.pop()
        logits: Tensor = self.last(x)
        return logits


class Adversary:
    """A critic and its optimiser.

    The critic sees `PAIR` frames, and what they were enlarged from: made-up detail that the input contradicts is told as well.

    Args:
        channels: of the critic's finest level.
        rate: learning rate of the critic.
        seed: of its initial weights.
        device: that it computes on.
    """

    def __init__(self, channels: int, rate: float, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)
        self.critic = Critic(2 * 3 * PAIR, channels).to(device)
        self.optimizer = torch.optim.Adam(self.critic.parameters(), lr=rate, betas=(0.0, 0.99))

    def fooled(self, restored: Tensor, enlarged: Tensor) -> Tensor:
        """Compute how badly restored pairs fool the critic: non-saturating loss (Goodfellow et al. 2014).

        Args:
            restored, enlarged: RGB ``(batch, PAIR, 3, h, w)``.

        Returns:
            A scalar, with a gradient for ``restored`` alone.
        """
        # critic and network learn from different losses
        self.critic.requires_grad_(False)
        loss = F.softplus(-self.logits(restored, enlarged)).mean()
        self.critic.requires_grad_(True)
        return loss

    def logits(self, pictures: Tensor, enlarged: Tensor) -> Tensor:
        """Judge pairs ``(batch, PAIR, 3, h, w)`` beside what they were enlarged from; float32 ``(batch, 1, h, w)``."""
        seen = torch.cat([DETAIL * (pictures - enlarged), 2 * enlarged - 1], 1)
        logits: Tensor = self.critic(seen.flatten(1, 2)).float()
        return logits

    def loss(self, restored: Tensor, truth: Tensor, enlarged: Tensor) -> Tensor:
        """Compute how badly the critic tells restored from true pairs, all ``(batch, PAIR, 3, h, w)``; a scalar."""
        pairs = (restored.detach(), truth)
        made, true = self.logits(torch.cat(pairs), torch.cat([enlarged, enlarged])).chunk(2)
        return (F.softplus(made) + F.softplus(-true)).mean()

    def learn(self) -> None:
        """Make one optimiser step with the gradients of `loss`."""
        self.optimizer.step()
        self.optimizer.zero_grad()

    def tensors(self) -> dict[str, Tensor]:
        """Return what `restore` needs to go on exactly, by name."""
        moments = self.optimizer.state_dict()["state"]
        kept = {f"{OPTIMIZER}{index}.{key}": value for index, state in moments.items() for key, value in state.items()}
        return self.critic.state_dict() | kept

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over the `tensors` of another adversary of the same shape."""
        kept = {name: value for name, value in tensors.items() if not name.startswith(OPTIMIZER)}
        self.critic.load_state_dict(kept)
        moments: dict[int, dict[str, Tensor]] = {}
        for name in tensors.keys() - kept.keys():
            index, key = name.removeprefix(OPTIMIZER).split(".")
            moments.setdefault(int(index), {})[key] = tensors[name]
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
