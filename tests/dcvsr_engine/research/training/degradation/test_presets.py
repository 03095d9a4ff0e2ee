"""Presets are reproducible, keep range and size, and differ in strength."""

import io
import random

import av
import numpy as np
import pytest
import torch

from dcvsr_engine.errors import SettingsError
from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.pictures import to_pictures, to_tensor
from dcvsr_engine.research.training.degradation import PRESETS, degrade_clip
from dcvsr_engine.research.training.degradation.blur import isotropic_blur
from dcvsr_engine.research.training.degradation.compression import jpeg
from dcvsr_engine.research.training.degradation.noise import gaussian_noise


@pytest.mark.parametrize(
    ("preset", "shape"),
    [
        ("mild", (1, 3, 128, 128)),
        ("mild", (5, 3, 96, 144)),
        ("streamed", (1, 3, 128, 128)),
        ("streamed", (5, 3, 96, 144)),
        ("film", (1, 3, 128, 128)),
        ("film", (5, 3, 96, 144)),
        ("interlaced", (1, 3, 128, 128)),
        ("interlaced", (5, 3, 96, 144)),
        ("real-world", (1, 3, 128, 128)),
        ("real-world", (5, 3, 64, 64)),
        ("real-world", (3, 3, 96, 144)),
    ],
)
def test_presets_are_reproducible_and_keep_size_and_range(preset, shape):
    clip = torch.rand(1, 3, *shape[2:], generator=torch.Generator().manual_seed(0)).expand(shape)
    for seed in range(4):
        first, again, other = (degrade_clip(clip, preset, random.Random(s)) for s in (seed, seed, seed + 100))
        assert first.shape == (shape[0], 3, shape[2] // 4, shape[3] // 4)
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert first.min() >= 0 and first.max() <= 1


def test_the_clip_itself_stays_as_it_is(clip):
    before = clip.clone()
    degrade_clip(clip, "real-world", random.Random(0))
    assert torch.equal(clip, before)


def through_a_file(frames: torch.Tensor, crf: int) -> torch.Tensor:
    """H.264 by way of a file."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"crf": str(crf), "preset": "veryfast", "x264-params": "mbtree=0"}
        )
        stream.height, stream.width = frames.shape[-2:]
        stream.pix_fmt, stream.codec_context.thread_count = "yuv420p", 1
        for picture in to_pictures(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    buffer.seek(0)
    with av.open(buffer) as coded:
        return to_tensor(np.stack([frame.to_ndarray(format="rgb24") for frame in coded.decode(video=0)]))


def test_mild_is_blur_reduction_noise_and_light_compression(clip):
    kinds = set()
    for seed in range(10):
        rng = random.Random(seed)
        blurred = isotropic_blur(clip, rng.uniform(0.2, 0.5) * 4) if rng.random() < 0.5 else clip
        expected = shrink(blurred, 4)
        if rng.random() < 0.5:
            expected = gaussian_noise(expected, rng.uniform(0, 1.5) / 255, rng.getrandbits(31))
        kind = rng.random()
        if kind < 0.35:
            expected = jpeg(expected, rng.randint(80, 98))
        elif kind < 0.75:
            expected = through_a_file(expected, rng.randint(12, 23))
        kinds.add((kind >= 0.35) + (kind >= 0.75))
        assert torch.equal(degrade_clip(clip, "mild", random.Random(seed)), expected.clamp(0, 1))
    assert len(kinds) == 3


def test_real_world_is_much_harsher_than_mild(clip):
    reference = shrink(clip, 4)
    errors = {
        preset: [float((degrade_clip(clip, preset, random.Random(s)) - reference).abs().mean()) for s in range(12)]
        for preset in PRESETS
    }
    assert sum(errors["real-world"]) > 2 * sum(errors["mild"])
    assert sum(errors["mild"]) < sum(errors["streamed"]) < sum(errors["real-world"])


def test_pictures_in_steps_of_a_byte(clip):
    damaged = degrade_clip(clip, "real-world", random.Random(3)) * 255
    assert torch.allclose(damaged, damaged.round(), atol=1e-3)


def test_an_unknown_preset_is_refused(clip):
    with pytest.raises(SettingsError, match="mild, streamed, real-world, film, interlaced"):
        degrade_clip(clip, "harsh", random.Random(0))
