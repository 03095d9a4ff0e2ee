"""JPEG and the video codecs keep every frame, lose more where they are told to, and decide alike every time."""

import random
from itertools import pairwise

import pytest
import torch

from dcvsr_engine.research.pictures import to_pictures, to_tensor
from dcvsr_engine.research.training.degradation import compression
from dcvsr_engine.research.training.degradation.compression import (
    LOSSY_CODECS,
    jpeg,
    random_jpeg,
    random_video_compression,
    video_compression,
)


def loss(damaged: torch.Tensor, clip: torch.Tensor) -> float:
    return float((damaged - clip).abs().mean())


def test_bytes_round_trip(clip):
    assert torch.allclose(to_tensor(to_pictures(clip)), clip, atol=0.5 / 255)


def test_jpeg_loses_more_at_low_quality_frame_by_frame(clip):
    fine, coarse = (loss(jpeg(clip, quality), clip) for quality in (95, 20))
    assert 0 < fine < coarse
    mixed = jpeg(clip, [95, 20, 95, 20])
    assert torch.equal(mixed[0], jpeg(clip, 95)[0]) and torch.equal(mixed[3], jpeg(clip, 20)[3])


def test_random_jpeg_qualities_drift(clip, monkeypatch):
    asked = []
    monkeypatch.setattr(compression, "jpeg", lambda frames, quality: asked.extend(quality) or frames)
    random_jpeg(clip.repeat(5, 1, 1, 1), random.Random(1))
    assert len(set(asked)) > 3 and all(30 <= q <= 95 for q in asked)
    assert all(abs(b - a) <= 4 for a, b in pairwise(asked))


@pytest.mark.parametrize("name", LOSSY_CODECS)
def test_video_codecs_keep_every_frame_in_its_place_and_lose_more_at_low_quality(clip, name):
    codec = LOSSY_CODECS[name]
    fine, coarse = (video_compression(clip, codec, codec.at(quality)) for quality in (2, 51 if codec.rated else 31))
    assert fine.shape == clip.shape
    assert loss(fine, clip) < 0.02 < loss(coarse, clip)
    moved = [[loss(fine[i], clip[j]) for j in range(4)] for i in range(4)]
    assert all(min(row) == row[i] for i, row in enumerate(moved))


@pytest.mark.parametrize("name", [name for name, codec in LOSSY_CODECS.items() if codec.rated])
def test_bit_rates_are_followed(clip, name):
    rough, good = (loss(video_compression(clip, LOSSY_CODECS[name], bits_per_pixel=bits), clip) for bits in (0.1, 8.0))
    assert good < 0.5 * rough


@pytest.mark.parametrize("name", LOSSY_CODECS)
@pytest.mark.parametrize("size", [(8, 8), (16, 16), (17, 45), (40, 48)])
def test_small_and_odd_pictures_and_single_frames_are_coded_alike_every_time(clip, name, size):
    small = clip[:3, :, : size[0], : size[1]]
    for frames in (small, small[:1]):
        for kind in ({"options": LOSSY_CODECS[name].at(20)}, {"bits_per_pixel": 0.3}):
            results = [video_compression(frames, LOSSY_CODECS[name], **kind) for _ in range(3)]
            assert results[0].shape == frames.shape
            assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_padding_leaves_no_trace():
    ramp = torch.linspace(0.2, 0.8, 37).expand(3, 3, 21, -1)
    for codec in LOSSY_CODECS.values():
        error = (video_compression(ramp, codec, codec.at(4)) - ramp).abs().mean((0, 1, 2))
        assert error[-3:].max() < 0.02


def test_random_compression_uses_every_codec_both_ways(clip, monkeypatch):
    used = set()

    def record(frames, codec, options=None, bits_per_pixel=None):
        used.add((codec.encoder, options is None))
        assert bits_per_pixel is None or 0.1 <= bits_per_pixel <= 2
        return frames

    monkeypatch.setattr(compression, "video_compression", record)
    for seed in range(60):
        random_video_compression(clip, random.Random(seed))
    assert len(used) == 5
