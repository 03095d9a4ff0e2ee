"""The two upsamplers behind one interface."""

import json

import networks
import pytest
import torch

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.resample import resize, upscale
from dcvsr_engine.network.upsampling import BicubicUpsampler, LearnedUpsampler, load_upsampler

WINDOWS = torch.rand(3, 5, 3, 6, 8, generator=torch.Generator().manual_seed(0))


def test_the_papers_is_bicubic_interpolation_frame_by_frame():
    frames = WINDOWS[:, 2]
    assert torch.equal(BicubicUpsampler()(frames.unsqueeze(1), 3), upscale(frames, 3))
    assert BicubicUpsampler().frames == 1 and BicubicUpsampler().network is None


def test_the_learned_one_is_its_network_inside_the_range():
    network = networks.upsampler()
    learned = LearnedUpsampler(network)
    wanted = network(WINDOWS).pictures
    assert wanted.min() < 0 and wanted.max() > 1
    torch.testing.assert_close(learned(WINDOWS, 4), wanted.clamp(0, 1))
    assert learned.frames == 5 and learned.network is network


def test_other_scales_are_reduced_from_its_own():
    learned = LearnedUpsampler(networks.upsampler())
    for scale in (1, 2, 3):
        assert torch.equal(learned(WINDOWS, scale), resize(learned(WINDOWS, 4), (6 * scale, 8 * scale)))
    assert (learned(WINDOWS, 2) - upscale(WINDOWS[:, 2], 2)).abs().max() > 0.05


def test_a_frame_does_not_depend_on_those_enlarged_beside_it():
    learned, batched = (LearnedUpsampler(networks.upsampler(), together) for together in (1, 2))
    alone = torch.cat([learned(window, 4) for window in WINDOWS.split(1)])
    assert torch.equal(learned(WINDOWS, 4), alone)
    torch.testing.assert_close(batched(WINDOWS, 4), alone)


def test_what_a_model_declares_is_loaded(tmp_path):
    assert isinstance(load_upsampler("bicubic", tmp_path, "cpu"), BicubicUpsampler)
    with pytest.raises(ModelError, match="cannot be used"):
        load_upsampler("learned", tmp_path, "cpu")
    (tmp_path / "upsampler").mkdir()
    networks.upsampler().save(tmp_path / "upsampler")
    loaded = load_upsampler("learned", tmp_path, "cpu")
    torch.testing.assert_close(loaded(WINDOWS, 4), LearnedUpsampler(networks.upsampler())(WINDOWS, 4), atol=5e-3, rtol=0)


@pytest.mark.parametrize("values", [{"channels": 10**9}, {"channels": 1024, "blocks": 256}])
def test_a_config_of_another_size_than_the_weights_takes_no_memory(tmp_path, values):
    (tmp_path / "upsampler").mkdir()
    networks.upsampler().save(tmp_path / "upsampler")
    (tmp_path / "upsampler" / "config.json").write_text(json.dumps(values))
    with pytest.raises(ModelError, match="cannot be used") as caught:
        load_upsampler("learned", tmp_path, "cpu")
    assert "\n" not in str(caught.value)
