"""Reuse of deep features between steps: the levels below those that propagate are left out of some steps (method.md §6).

What is deep changes little from one step to the next (DeepCache, Ma et al. 2023, arXiv 2312.00858). What is kept is the input
of the lowest upsampler that every step evaluates: a quarter of what comes out of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import torch
from diffusers import UNetSpatioTemporalConditionModel
from torch import Tensor, nn

from dcvsr_engine.diffusion.branch import Branch
from dcvsr_engine.diffusion.compile_process import CompileProcess
from dcvsr_engine.diffusion.front import computed_once, share_front
from dcvsr_engine.diffusion.lanes import LARGE_NETWORK, Lanes
from dcvsr_engine.diffusion.levels import shallow_levels
from dcvsr_engine.diffusion.propagation import BatchLayout, Propagation
from dcvsr_engine.network.compiled import CompiledBlocks
from dcvsr_engine.settings import ResolvedSettings
from dcvsr_engine.tiling.grid import Tile

PieceResult = TypeVar("PieceResult")


class DeepFeatures:
    """Features of every tile and branch of a step, in the machine's memory, each ``(frames, channels, height, width)``."""

    def __init__(self) -> None:
        self._held: dict[tuple[Branch, Tile], Tensor] = {}

    def put(self, layout: BatchLayout, features: Tensor) -> None:
        """Keep the ``features`` ``(branches · tiles · frames, channels, height, width)`` of a batch."""
        rows = features.cpu().unflatten(0, layout.shape).flatten(0, 1)
        self._held |= dict(zip(places(layout), rows, strict=True))

    def of(self, layout: BatchLayout) -> Tensor | None:
        """What `put` kept, for a batch of any of the tiles and branches; ``None`` where one is missing."""
        rows = [self._held.get(place) for place in places(layout)]
        found = [row for row in rows if row is not None]
        return torch.cat(found) if len(found) == len(rows) else None


def places(layout: BatchLayout) -> list[tuple[Branch, Tile]]:
    """The rows of a batch, by what they are from step to step."""
    return [(branch.slot, tile) for branch in layout.branches for tile in layout.tiles]


class LevelledUNet:
    """A U-Net that may leave its deep levels out. Only its context managers change it.

    Attributes:
        unet: the network.
        propagation: knows what is in a batch.
        compiled: its blocks that are compiled.
        levels: as `shallow_levels` counts them; ``None`` where nothing can be left out.
        lanes: where tiles are evaluated side by side, each by a thread: on a processor, unless the network is large.
    """

    def __init__(
        self,
        unet: UNetSpatioTemporalConditionModel,
        propagation: Propagation,
        settings: ResolvedSettings,
        compiled_kinds: tuple[type[nn.Module], ...] = (),
    ) -> None:
        self.unet, self.propagation = unet, propagation
        self.compiled = CompiledBlocks(unet, compiled_kinds)
        self.levels = shallow_levels(unet.config, settings)
        small = sum(weight.numel() for weight in unet.parameters()) < LARGE_NETWORK
        self.lanes = Lanes() if small and unet.device.type == "cpu" and not compiled_kinds else None
        share_front(unet)
        self._reused: DeepFeatures | None = None

    @contextmanager
    def compiling_beside(self, warn: Callable[[str], None]) -> Iterator[None]:
        """Have blocks compiled by a process beside this one inside; see `CompiledBlocks.beside`."""
        with self.compiled.beside(partial(CompileProcess, self.unet), warn):
            yield

    @contextmanager
    def keeping(self, features: DeepFeatures) -> Iterator[None]:
        """Evaluate all levels inside, and leave the deep features in ``features``."""

        def keep(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            """See `DeepFeatures.put`: what enters the upsampler is kept."""
            layout = self.propagation.layout
            assert layout is not None
            features.put(layout, arguments[0])

        handle = None if self.levels is None else self.upsampler.register_forward_pre_hook(keep)
        try:
            yield
        finally:
            if handle is not None:
                handle.remove()

    @contextmanager
    def reusing(self, features: DeepFeatures) -> Iterator[None]:
        """Leave the deep levels out inside, for tiles whose ``features`` are there."""
        self._reused = features
        try:
            yield
        finally:
            self._reused = None

    def side_by_side(self, works: Sequence[Callable[[], PieceResult]]) -> list[PieceResult]:
        """Do what is independent: in `lanes` where there are such; returns the results in order."""
        return self.lanes.run(works) if self.lanes is not None else [work() for work in works]

    @property
    def upsampler(self) -> nn.Module:
        """The layer whose input is kept."""
        assert self.levels is not None
        upsampler: nn.Module = self.unet.up_blocks[-self.levels - 1].upsamplers[0]
        return upsampler

    def __call__(self, x: Tensor, noise_level: Tensor, embeddings: Tensor, ids: Tensor, alike: int = 1) -> Tensor:
        """Evaluate the network.

        Args:
            x: latents and condition of every row ``(rows, frames, channels, height, width)``.
            noise_level: a scalar.
            embeddings: image embeddings ``(rows, tokens, width)``.
            ids: added time ids ``(rows, count)``.
            alike: into how many parts with the same numbers ``x`` divides: the branches, where none drops the condition.

        Returns:
            ``(rows, frames, channels, height, width)``.
        """
        layout = self.propagation.layout
        features = self._reused.of(layout) if self._reused is not None and layout is not None else None
        with self.compiled.evaluation(len(x)), computed_once(alike):
            if features is not None:
                return self.shallow(x, noise_level, embeddings, ids, features.to(x))
            out: Tensor = self.unet(x, noise_level, encoder_hidden_states=embeddings, added_time_ids=ids).sample
        return out

    def shallow(self, x: Tensor, noise_level: Tensor, embeddings: Tensor, ids: Tensor, features: Tensor) -> Tensor:
        """Evaluate the upper levels as diffusers' forward does; the arguments and the result are those of `__call__`.

        And ``features`` are what was kept ``(rows · frames, channels, height, width)``.
        """
        unet, levels, shape = self.unet, self.levels, x.shape[:2]
        assert levels is not None
        given = {
            "temb": self.time_embedding(x, noise_level, ids),
            "image_only_indicator": x.new_zeros(shape),
            "encoder_hidden_states": embeddings.repeat_interleave(shape[1], dim=0),
        }
        out = unet.conv_in(x.flatten(0, 1))
        skipped = [out]
        for block in unet.down_blocks[:levels]:
            out, made = block(out, **accepted(block, given))
            skipped += made
        skipped.pop()  # it leads to the deep levels
        out = self.upsampler(features)
        for block in unet.up_blocks[-levels:]:
            count = len(block.resnets)
            out = block(out, res_hidden_states_tuple=tuple(skipped[-count:]), **accepted(block, given))
            del skipped[-count:]
        result: Tensor = unet.conv_out(unet.conv_act(unet.conv_norm_out(out))).unflatten(0, shape)
        return result

    def time_embedding(self, x: Tensor, noise_level: Tensor, ids: Tensor) -> Tensor:
        """The embedding of noise level and time ids ``(rows · frames, channels)``; the arguments as for `__call__`."""
        unet, (rows, frames) = self.unet, x.shape[:2]
        embedded = unet.time_embedding(unet.time_proj(noise_level.expand(rows)).to(x.dtype))
        added = unet.add_time_proj(ids.flatten()).reshape(rows, -1).to(x.dtype)
        both: Tensor = embedded + unet.add_embedding(added)
        return both.repeat_interleave(frames, dim=0)


def accepted(block: nn.Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """What a block takes of ``given``, of any shape: one without attention sees no embeddings."""
    crossing = getattr(block, "has_cross_attention", False)
    return {name: value for name, value in given.items() if crossing or name != "encoder_hidden_states"}
