"""Training through the engine's sampler: what reaches what, and which steps are drawn."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.events import StepKind
from dcvsr_engine.research.training.objective import edm_loss
from dcvsr_engine.research.training.propagation import TiledNetwork, inner_levels
from dcvsr_engine.research.training.recipe import Recipe, TrainingPhase
from dcvsr_engine.research.training.start import Start
from dcvsr_engine.tiling.grid import TileGrid

RECIPE = Recipe(name="tiny", start="", phases=(TrainingPhase(iterations=1, frames=4, tile=8, window=2),), sigma_min=0.3, bf16=())


def tiled(folder: Path, channels: tuple[int, ...] = (32, 32), ids: int = 3, **declared: object) -> TiledNetwork:
    """A network of ``len(channels)`` levels that takes ``ids`` time ids, in tiles."""
    torch.manual_seed(0)
    inner = len(channels) - 1
    unet = UNetSpatioTemporalConditionModel(
        in_channels=48, out_channels=24, block_out_channels=channels, num_attention_heads=(2,) * len(channels),
        down_block_types=("DownBlockSpatioTemporal", *("CrossAttnDownBlockSpatioTemporal",) * inner),
        up_block_types=(*("CrossAttnUpBlockSpatioTemporal",) * inner, "UpBlockSpatioTemporal"), cross_attention_dim=8,
        layers_per_block=1, addition_time_embed_dim=8, projection_class_embeddings_input_dim=8 * ids,
    )  # fmt: skip
    unet.save_pretrained(folder / "unet")
    (folder / "scales.json").write_text(json.dumps({"residual_scale": [1.0] * 24, "condition_scale": [1.0] * 24}))
    recipe = RECIPE.replace(start=str(folder), declaration=declared)
    return TiledNetwork(Start(recipe, "cpu"), recipe)


@pytest.fixture
def network(tmp_path: Path) -> TiledNetwork:
    return tiled(tmp_path)


def test_the_starts_conventions_hold_for_tiles(tmp_path: Path) -> None:
    """Four levels need multiples of 8, and the time ids are the declared ones, of which there may be any number."""
    network = tiled(tmp_path, channels=(32, 32, 32, 32), ids=2, added_time_ids=[5.0, 0.5])
    seen: list[torch.Tensor] = []
    network.denoiser.model.unet.register_forward_pre_hook(
        lambda module, inputs, options: seen.append(options["added_time_ids"]), with_kwargs=True
    )
    phase = TrainingPhase(iterations=1, frames=2, tile=8, window=2)
    grid = network.grid(torch.Size((2, 24, 8, 16)), phase, torch.Generator())
    assert all(tile.left % 8 == 0 for tile in grid)
    network.estimate(torch.zeros(2, 24, 8, 16), torch.zeros(2, 24, 8, 16), 2.0, StepKind.PLAIN, grid)
    assert seen and all(ids.unique(dim=0).tolist() == [[5.0, 0.5]] for ids in seen)


def influence(network: TiledNetwork, kind: StepKind, grid: TileGrid) -> torch.Tensor:
    """How much every latent ``(frames, h, w)`` of the input moves the last corner of the estimate."""
    x = torch.randn(grid.frames, 24, grid.height, grid.width, generator=torch.Generator().manual_seed(1)).requires_grad_()
    network.estimate(x, torch.zeros(x.shape), 2.0, kind, grid)[-1, :, -1, -1].sum().backward()
    assert x.grad is not None
    return x.grad.abs().amax(1)


def test_sap_lets_gradients_reach_other_tiles(network: TiledNetwork) -> None:
    grid = TileGrid.build(2, 8, 12, tile=8, window=2, align=4)
    outside = (..., slice(0, 4))
    assert influence(network, StepKind.PLAIN, grid)[outside].max() == 0
    assert influence(network, StepKind.SAP, grid)[outside].max() > 0


def test_tap_lets_gradients_reach_other_windows(network: TiledNetwork) -> None:
    grid = TileGrid.build(3, 8, 8, tile=8, window=2, align=4)
    assert influence(network, StepKind.PLAIN, grid)[0].max() == 0
    assert influence(network, StepKind.TAP_FORWARD, grid)[0].max() > 0
    assert influence(network, StepKind.TAP_BACKWARD, grid)[0].max() == 0


@pytest.mark.parametrize("unrolled", [0.0, 1.0])
def test_steps_are_drawn_by_the_phase(network: TiledNetwork, unrolled: float) -> None:
    phase = TrainingPhase(iterations=1, frames=4, tile=8, window=2, unrolled=unrolled)
    target, condition, noise = torch.randn(3, 2, 4, 24, 8, 12, generator=torch.Generator().manual_seed(2))
    sigma = torch.tensor([1.0, 5.0])
    estimates, levels = network.estimates(target, condition, noise, sigma, phase, torch.Generator().manual_seed(3))
    assert estimates.shape == target.shape
    assert estimates.requires_grad
    assert torch.equal(levels, torch.full((2,), torch.inf) if unrolled else sigma)
    again, _ = network.estimates(target, condition, noise, sigma, phase, torch.Generator().manual_seed(3))
    assert torch.equal(estimates, again)


def test_later_steps_do_not_see_the_target(network: TiledNetwork) -> None:
    phase = TrainingPhase(iterations=1, frames=4, tile=8, window=2, unrolled=1.0)
    condition, noise = torch.randn(2, 1, 4, 24, 8, 8, generator=torch.Generator().manual_seed(2))
    sigma = torch.ones(1)
    first, second = (
        network.estimates(torch.full_like(noise, level), condition, noise, sigma, phase, torch.Generator().manual_seed(3))[0]
        for level in (0.0, 9.0)
    )
    assert torch.equal(first, second)


def test_inner_levels_are_those_of_short_schedules() -> None:
    assert inner_levels(RECIPE, most=2) == pytest.approx([0.3])
    assert inner_levels(RECIPE, most=3) == pytest.approx([0.3, 3.3408, 0.3], rel=1e-3)


def test_an_infinite_level_weighs_one() -> None:
    denoised, target = torch.zeros(1, 2, 3, 4, 4), torch.full((1, 2, 3, 4, 4), 3.0)
    assert edm_loss(denoised, target, torch.tensor([torch.inf])).item() == 9
