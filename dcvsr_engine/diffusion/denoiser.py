"""The U-Net as a denoiser of tiles: preconditioning, branches, guidance (method.md §1, §5). Mathematics only."""

from dataclasses import replace

import torch
from torch import Tensor

from dcvsr_engine.diffusion.attention import install_processors
from dcvsr_engine.diffusion.branch import Branch, alike_parts, branches_of, is_distinct, needs_degraded
from dcvsr_engine.diffusion.edm import precondition
from dcvsr_engine.diffusion.guidance import combine, degrade
from dcvsr_engine.diffusion.propagation import BatchLayout, Propagation
from dcvsr_engine.diffusion.reuse import LevelledUNet
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.compiled import kinds_to_compile
from dcvsr_engine.settings import Guidance, ResolvedSettings, RestoreSettings
from dcvsr_engine.tiling.grid import Tile


class Denoiser:
    """Estimates ``x̂_0`` of tiles ``(tiles, frames, channels, height, width)``, on the host and in float32 outside of the network.

    Attributes:
        model: the network and its declaration.
        network: evaluates it, or its upper levels.
        embedding: image embedding ``(1, tokens, width)``; zeros for a network without one.
    """

    def __init__(
        self,
        model: Model,
        embedding: Tensor | None = None,
        network: LevelledUNet | None = None,
        settings: ResolvedSettings | None = None,
    ) -> None:
        """Make a denoiser; ``settings`` say which layers propagate and get γ, where ``network`` does not exist yet."""
        resolved = settings or model.declaration.resolve(RestoreSettings())
        self.model, self.network = model, network or levelled(model, resolved)
        self.embedding = torch.zeros(1, 1, model.unet.config.cross_attention_dim) if embedding is None else embedding

    def with_embedding(self, embedding: Tensor) -> "Denoiser":
        """The same network with another image embedding ``(1, tokens, width)``."""
        return Denoiser(self.model, embedding, self.network)

    @property
    def propagation(self) -> Propagation:
        """What the network's attention processors share."""
        return self.network.propagation

    @property
    def distinct(self) -> bool:
        """Whether the unconditional branch drops anything."""
        return is_distinct(self.model.declaration)

    def guided(
        self,
        x: Tensor,
        sigma: float,
        condition: Tensor,
        tiles: list[Tile],
        mode: Guidance,
        scale: float,
        gamma: float,
        branches_in_one_batch: bool = True,
        perturbation: float = 1.0,
    ) -> Tensor:
        """Estimate ``x̂_0`` with guidance (eq. 9).

        Args:
            x: noisy latents ``(tiles, frames, channels, height, width)``.
            sigma: their noise level.
            condition: ``l`` of the same tiles; its channels may be others.
            tiles: where they lie.
            mode, scale, gamma: as for `branches_of`.
            branches_in_one_batch: whether the U-Net sees all branches at once; one by one takes less memory. SAG's stay together.
            perturbation: SAG's or PAG's own scale as a multiple of s; equal to it by default [C].

        Returns:
            The guided estimate, shaped like ``x``.
        """
        if needs_degraded(mode, scale):
            return self.self_attention_guided(x, sigma, condition, tiles, scale, perturbation)
        branches = branches_of(mode, scale, gamma, self.distinct)
        estimates: dict[Branch, Tensor] = {}
        for batch in [branches] if branches_in_one_batch else [(branch,) for branch in branches]:
            estimates |= self.evaluate(x, sigma, condition, tiles, batch)
        return combine(estimates, scale, perturbation)

    def self_attention_guided(
        self, x: Tensor, sigma: float, condition: Tensor, tiles: list[Tile], scale: float, perturbation: float = 1.0
    ) -> Tensor:
        """SAG on top of CFG: ``ε_cfg + s (ε_u − ε(x̃))`` with the degraded input x̃ (Hong et al. 2023).

        Args:
            x: noisy latents ``(tiles, frames, channels, height, width)``.
            sigma, condition, tiles, scale, perturbation: as for `guided`.

        Returns:
            The guided estimate, shaped like ``x``.
        """
        branches = branches_of("sag", scale, 0.0, self.distinct)
        unconditional = branches[-1]
        with self.propagation.record_attention() as masses:
            first = self.evaluate(x, sigma, condition, tiles, branches)
        mass = masses[-1].chunk(len(branches))[-1]
        degraded = degrade(x, first[unconditional], mass)
        second = replace(unconditional, degraded=True)
        blurred = self.evaluate(degraded, sigma, condition, tiles, (second,))[second]
        # ε = (x − x̂_0) / σ, each with its own x
        difference = (x - first[unconditional]) - (degraded - blurred)
        return combine(first, scale) - (scale - 1) * perturbation * difference

    def evaluate(
        self, x: Tensor, sigma: float, condition: Tensor, tiles: list[Tile], branches: tuple[Branch, ...]
    ) -> dict[Branch, Tensor]:
        """Estimate ``x̂_0 = c_skip · x + c_out · F(c_in · x, l; c_noise)`` in one batch (method.md §1).

        Args:
            x: noisy latents ``(tiles, frames, channels, height, width)``.
            sigma: their noise level.
            condition: ``l`` of the same tiles; its channels may be others.
            tiles: where they lie.
            branches: which estimates to make.

        Returns:
            Per branch ``x̂_0`` in float32, shaped like ``x``.
        """
        # in float32: at σ = 700 half precision would keep nothing of x̂_0 beside the noise
        c = precondition(torch.tensor(sigma))
        prediction = self.predict(c.c_in * x, c.c_noise, condition, BatchLayout(branches, tuple(tiles)))
        return dict(zip(branches, c.c_skip * x + c.c_out * prediction, strict=True))

    def predict(self, scaled: Tensor, noise_level: Tensor, condition: Tensor, layout: BatchLayout) -> Tensor:
        """Evaluate the U-Net ``F``, every row in the network's own number format.

        Args:
            scaled: ``c_in · x`` ``(tiles, frames, channels, height, width)``, the same for all branches.
            noise_level: ``c_noise``, a scalar.
            condition: ``l`` of the same tiles.
            layout: what the rows of the batch are.

        Returns:
            Its output in float32, ``(branches, tiles, frames, channels, height, width)``.
        """
        # the order of rows is that of `BatchLayout`: the attention processors rely on it
        model, (branches, tiles, _) = self.model, layout.shape
        embedding = self.embedding.expand(tiles, -1, -1)
        conditions = torch.cat([self.condition_for(branch, "condition", condition) for branch in layout.branches])
        embeddings = torch.cat([self.condition_for(branch, "image_embedding", embedding) for branch in layout.branches])
        ids = torch.tensor(model.declaration.added_time_ids).expand(branches * tiles, -1)
        sample = torch.cat([scaled.repeat(branches, 1, 1, 1, 1), conditions], dim=2)
        alike = alike_parts(model.declaration, branches)
        with self.propagation.batch(layout):
            output = self.network(
                model.to_device(sample), noise_level.to(model.device), model.to_device(embeddings), model.to_device(ids), alike
            )
        prediction: Tensor = output.float().cpu().unflatten(0, (branches, tiles))
        return prediction

    def condition_for(self, branch: Branch, name: str, value: Tensor) -> Tensor:
        """``value``, or zeros shaped like it where the branch is unconditional and the model declares that it drops ``name``."""
        return value if branch.conditional or name not in self.model.declaration.unconditional else torch.zeros_like(value)


def levelled(model: Model, settings: ResolvedSettings) -> LevelledUNet:
    """The network of a model, with the attention processors that ``settings`` ask for."""
    propagation = install_processors(model.unet, settings.propagating_layers, settings.gamma_layers)
    # by the model's device: the U-Net itself may have left it
    return LevelledUNet(model.unet, propagation, settings, kinds_to_compile(settings.compile, model.device))
