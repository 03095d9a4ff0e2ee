"""The EDM objective, temporal bypass and silent temporal layers on a tiny network."""

import pytest
import torch
from diffusers import UNetSpatioTemporalConditionModel

from dcvsr_engine.diffusion.edm import precondition
from dcvsr_engine.research.training.objective import (
    Conditioning,
    change_error,
    change_in_look,
    denoise,
    draw_sigmas,
    edm_loss,
    excess_detail,
    judged_crops,
    lattice_error,
    silence_temporal_layers,
    without_temporal_layers,
)


@pytest.fixture
def unet() -> UNetSpatioTemporalConditionModel:
    torch.manual_seed(0)
    return UNetSpatioTemporalConditionModel(
        in_channels=6, out_channels=3, block_out_channels=(32, 32), num_attention_heads=(2, 2), cross_attention_dim=8,
        down_block_types=("DownBlockSpatioTemporal", "CrossAttnDownBlockSpatioTemporal"),
        up_block_types=("CrossAttnUpBlockSpatioTemporal", "UpBlockSpatioTemporal"),
        layers_per_block=1, addition_time_embed_dim=8, projection_class_embeddings_input_dim=24,
    ).eval()  # fmt: skip


def estimate(unet: UNetSpatioTemporalConditionModel, frames: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    noisy = torch.randn(2, frames, 3, 8, 8, generator=generator)
    with torch.no_grad():
        conditioning = Conditioning(torch.randn(noisy.shape, generator=generator), torch.zeros(2, 1, 8), torch.zeros(2, 3))
        return denoise(unet, noisy, torch.tensor([0.5, 4.0]), conditioning)


def test_silent_temporal_layers_change_nothing(unet: UNetSpatioTemporalConditionModel) -> None:
    with without_temporal_layers(unet):
        spatial = estimate(unet)
    assert not torch.allclose(estimate(unet), spatial, atol=1e-4)
    silence_temporal_layers(unet)
    assert torch.allclose(estimate(unet), spatial, atol=1e-5)


def test_bypass_is_undone(unet: UNetSpatioTemporalConditionModel) -> None:
    before = estimate(unet)
    with pytest.raises(RuntimeError), without_temporal_layers(unet):
        raise RuntimeError
    assert torch.equal(estimate(unet), before)


def test_loss_is_the_error_of_the_raw_prediction(unet: UNetSpatioTemporalConditionModel) -> None:
    """λ(σ) ‖x̂_0 − x_0‖² equals ‖F − v‖² with v the target that EDM's preconditioning implies."""
    sigma = torch.tensor([0.5, 4.0])
    target, noise, prediction = torch.randn(3, 2, 2, 3, 4, 4)
    c = precondition(sigma.view(-1, 1, 1, 1, 1))
    noisy = target + sigma.view(-1, 1, 1, 1, 1) * noise
    loss = edm_loss(c.c_skip * noisy + c.c_out * prediction, target, sigma)
    raw = (target - c.c_skip * noisy) / c.c_out
    assert torch.allclose(loss, (prediction - raw).pow(2).flatten(1).mean(1), rtol=1e-4)


def test_sigmas_are_log_normal_about_the_mean_of_the_recipe() -> None:
    logs = draw_sigmas(4000, torch.Generator().manual_seed(0), 1e-4, 1e4, at_max=0.0, mean=0.7, deviation=1.6).log()
    assert logs.mean() == pytest.approx(0.7, abs=0.1)
    assert logs.std() == pytest.approx(1.6, abs=0.1)


def test_half_of_the_sigmas_are_the_largest() -> None:
    sigmas = draw_sigmas(4000, torch.Generator().manual_seed(0), 0.02, 20.0)
    assert sigmas.min() >= 0.02
    assert 0.45 < (sigmas == 20.0).float().mean() < 0.55


def test_dropped_conditioning_is_zero_for_the_chosen_clips_only() -> None:
    conditioning = Conditioning(torch.ones(2, 3, 4, 2, 2), torch.ones(2, 1, 8), torch.ones(2, 3))
    keep = torch.tensor([True, False])
    embedding_only = conditioning.dropped(keep, ("image_embedding",))
    assert embedding_only.embedding[0].all() and not embedding_only.embedding[1].any()
    assert embedding_only.condition.all() and embedding_only.ids.all()
    both = conditioning.dropped(keep, ("image_embedding", "condition"))
    assert both.condition[0].all() and not both.condition[1].any()
    assert not both.embedding[1].any()


def test_lattice_error_sees_a_grid_and_nothing_else() -> None:
    grid = torch.zeros(1, 3, 48, 48)
    grid[..., ::4, ::4] = 0.1
    assert lattice_error(grid, 4) == pytest.approx(0.1 * (15 / 16 + 15 / 16) / 16, rel=1e-4)
    ramp = torch.linspace(0, 0.001, 48).expand(1, 3, 48, 48)
    assert lattice_error(torch.full((1, 3, 48, 48), 0.3), 4) < 1e-6
    assert lattice_error(ramp, 4) < 1e-4


def test_excess_detail_is_what_was_added_to_a_calm_picture() -> None:
    generator = torch.Generator().manual_seed(0)
    calm = torch.linspace(0, 0.2, 48).expand(1, 3, 48, 48)
    grain = 0.02 * torch.randn(1, 3, 48, 48, generator=generator)
    added = excess_detail(calm + grain, calm)
    # the mean of nine pixels takes away a ninth of the variance
    assert added.item() == pytest.approx(0.02 * (8 / 9) ** 0.5, rel=0.1)
    assert excess_detail(calm, calm + grain) == 0 and excess_detail(calm, calm) == 0
    elsewhere = torch.roll(grain, 1, -1)
    assert excess_detail(calm + elsewhere, calm + grain) < added / 10


def test_change_error_sees_flicker_only() -> None:
    reference = torch.rand(1, 3, 3, 4, 4)
    assert change_error(reference + 0.2, reference).item() == pytest.approx(0, abs=1e-6)
    flickering = reference + torch.tensor([0.0, 0.1, 0.0]).view(1, 3, 1, 1, 1)
    assert change_error(flickering, reference).item() == pytest.approx(0.1, abs=1e-6)


def mean_difference(pictures: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """A distance whose value is known beforehand."""
    return (pictures - others).abs().flatten(1).mean(1)


def test_change_in_look_is_the_difference_of_two_distances() -> None:
    reference = torch.zeros(2, 3, 3, 4, 4) + torch.tensor([0.0, 0.5, 0.5]).view(1, 3, 1, 1, 1)
    flickering = torch.zeros(2, 3, 3, 4, 4) + torch.tensor([0.2, 0.6, 0.3]).view(1, 3, 1, 1, 1)
    apart = (abs(0.4 - 0.5) + abs(0.3 - 0.0)) / 2
    assert change_in_look(mean_difference, flickering, reference).item() == pytest.approx(apart)
    assert change_in_look(mean_difference, 1 - reference, reference).item() == pytest.approx(0)


def test_judged_crops_are_of_the_same_places_and_successive_frames() -> None:
    places = torch.arange(2 * 5 * 80 * 80).view(2, 5, 1, 80, 80).expand(-1, -1, 3, -1, -1)
    pictures, references = judged_crops(places, -places, torch.Generator().manual_seed(0), frames=2)
    assert pictures.shape == (2, 2, 3, 72, 72)
    assert torch.equal(references, -pictures)
    assert (pictures[:, 1] - pictures[:, 0] == 80 * 80).all()
    first = pictures[:, 0, 0, 0, 0]
    assert first.div(5 * 80 * 80, rounding_mode="floor").tolist() == [0, 1]
