"""The U-Net as a denoiser of tiles: preconditioning, branches, guidance."""

from dataclasses import replace

import torch
from torch import Tensor

from dcvsr_engine.diffusion.attention import Rows, install
from dcvsr_engine.diffusion.branch import Branch, branches_of, needs_degraded
from dcvsr_engine.diffusion.edm import precondition
from dcvsr_engine.diffusion.guidance import combine, degrade
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.settings import Guidance
from dcvsr_engine.tiling.grid import Tile


class Denoiser:
    """Estimates ``x̂_0`` of tiles.

    Attributes:
        model: the network and its declaration.
        propagation: state of its attention processors.
        embedding: image embedding ``(1, tokens, width)``; zeros for a network without one.
        evaluations: how often the U-Net has seen a tile, over all branches.
        together: whether all branches go through the U-Net in one batch; one after the other takes less memory.
    """

    def __init__(self, model: Model, embedding: Tensor | None = None) -> None:
        self.model = model
        self.propagation = install(model.unet)
        width = model.unet.config.cross_attention_dim
        self.embedding = torch.zeros(1, 1, width) if embedding is None else embedding
        self.evaluations = 0
        self.together = True

    @property
    def distinct(self) -> bool:
        """Whether the unconditional branch drops anything."""
        dropped = set(self.model.declaration.unconditional)
        return "condition" in dropped or ("image_embedding" in dropped and bool(self.embedding.any()))

    def guided(
        self, x: Tensor, sigma: float, condition: Tensor, tiles: list[Tile], mode: Guidance, scale: float, gamma: float
    ) -> Tensor:
        """The guided estimate of ``x`` ``(tiles, frames, channels, height, width)`` at noise level ``sigma``."""
        if needs_degraded(mode, scale):
            return self.self_attention_guided(x, sigma, condition, tiles, scale)
        branches = branches_of(mode, scale, gamma, self.distinct)
        return combine(self.evaluate(x, sigma, condition, tiles, branches), scale)

    def self_attention_guided(self, x: Tensor, sigma: float, condition: Tensor, tiles: list[Tile], scale: float) -> Tensor:
        """SAG on top of CFG: ``ε_cfg + s (ε_u − ε(x̃))`` with the degraded input x̃; SAG's own scale is taken equal to s [C]."""
        unconditional = Branch(conditional=not self.distinct)
        branches = branches_of("sag", scale, 0.0, self.distinct)
        self.propagation.attention_mass = []
        first = self.evaluate(x, sigma, condition, tiles, branches)
        mass = self.propagation.attention_mass[-1].chunk(len(branches))[-1]
        self.propagation.attention_mass = None
        degraded = degrade(x, first[unconditional], mass)
        second = replace(unconditional, degraded=True)
        blurred = self.evaluate(degraded, sigma, condition, tiles, (second,))[second]
        # ε = (x − x̂_0) / σ, each with its own x
        difference = (x - first[unconditional]) - (degraded - blurred)
        return combine(first, scale) - (scale - 1) * difference

    def evaluate(
        self, x: Tensor, sigma: float, condition: Tensor, tiles: list[Tile], branches: tuple[Branch, ...]
    ) -> dict[Branch, Tensor]:
        """``x̂_0`` per branch, float32, shaped like ``x``."""
        if not self.together and len(branches) > 1 and self.propagation.attention_mass is None:
            alone = [self.evaluate(x, sigma, condition, tiles, (branch,)) for branch in branches]
            return {branch: estimate for part in alone for branch, estimate in part.items()}
        model, count = self.model, len(branches)
        self.propagation.rows = Rows(branches, tuple(tiles))
        self.evaluations += count * len(tiles)
        c = precondition(torch.tensor(sigma))
        conditions = torch.cat([self.keep(condition, "condition", branch) for branch in branches])
        embedding = self.embedding.expand(len(tiles), -1, -1)
        embeddings = torch.cat([self.keep(embedding, "image_embedding", branch) for branch in branches])
        ids = torch.tensor(model.declaration.added_time_ids).expand(count * len(tiles), -1)
        sample = torch.cat([(c.c_in * x).repeat(count, 1, 1, 1, 1), conditions], dim=2)
        prediction = model.unet(
            model.to_device(sample),
            c.c_noise.to(model.device),
            encoder_hidden_states=model.to_device(embeddings),
            added_time_ids=model.to_device(ids),
        ).sample
        prediction = prediction.float().cpu()
        estimates = c.c_skip * x + c.c_out * prediction.unflatten(0, (count, len(tiles)))
        return dict(zip(branches, estimates, strict=True))

    def keep(self, what: Tensor, name: str, branch: Branch) -> Tensor:
        """``what``, or zeros where the branch is unconditional and the model declares that it drops ``name``."""
        return what if branch.conditional or name not in self.model.declaration.unconditional else torch.zeros_like(what)
