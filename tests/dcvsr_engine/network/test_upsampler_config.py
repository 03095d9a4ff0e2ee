"""The shape of a learned upsampler, and the memory it takes, without loading it."""

import subprocess
import sys

import networks
import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.upsampler_config import UpsamplerConfig, upsampler_config

MEASURED = {
    (64, 8, 5, 270, 4): 180,
    (64, 8, 5, 540, 4): 572,
    (16, 2, 3, 540, 4): 390,
    (128, 2, 3, 540, 4): 1049,
    (64, 8, 5, 270, 2): 130,
    (64, 8, 5, 540, 2): 424,
    (64, 8, 5, 720, 2): 451,
}
"""MiB by which a process grew (`bench.memory.ResidentPeak`): channels, blocks, frames, the rows of a frame of 16:9, bytes of a
number. The last one is enlarged in bands."""


@pytest.mark.parametrize("shape", MEASURED)
def test_the_plan_is_near_what_was_measured(shape):
    channels, blocks, frames, rows, item = shape
    config, width = UpsamplerConfig(channels=channels, blocks=blocks, frames=frames), rows * 16 // 9
    pixels = config.band_pixels(rows * width, width)
    assert 0.95 < config.peak_bytes(pixels, item) / 2**20 / MEASURED[shape] < 1.1


def test_memory_grows_with_the_frame_and_the_network():
    config = UpsamplerConfig()
    assert config.peak_bytes(2000) > config.peak_bytes(1000) and config.peak_bytes(2000) < UpsamplerConfig(
        channels=128
    ).peak_bytes(2000)


@pytest.mark.parametrize(("frames", "context"), [(1, 0), (3, 1), (5, 2)])
def test_it_sees_as_many_frames_on_either_side(frames, context):
    assert UpsamplerConfig(frames=frames).context == context


def test_a_model_has_one_where_it_declares_one(tmp_path):
    assert upsampler_config("bicubic", tmp_path) is None
    with pytest.raises(ModelError, match="cannot be used"):
        upsampler_config("learned", tmp_path)
    (tmp_path / "upsampler").mkdir()
    networks.upsampler().save(tmp_path / "upsampler")
    assert upsampler_config("learned", tmp_path) == UpsamplerConfig(channels=4, blocks=1)


def test_it_is_read_without_torch():
    code = "import sys, dcvsr_engine.network.upsampler_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
