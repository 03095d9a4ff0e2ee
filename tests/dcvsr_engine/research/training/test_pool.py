"""Pools of clips: made once, extended, cropped so that window and truth belong together."""

import random

import numpy as np
import pytest
import torch

from dcvsr_engine.errors import JobError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.research.training.data import Material
from dcvsr_engine.research.training.pool import Pool, Shard, missing_shards
from dcvsr_engine.research.training.recipe import PoolRecipe

ASKED = PoolRecipe(clips=6, held_out=2, shard=2, frames=3, size=48, workers=1, degradations={"mild": 2.0, "real-world": 1.0})


@pytest.fixture
def folder(tmp_path, photos):
    for shard in missing_shards(tmp_path, ASKED, ASKED.clips):
        shard.write(tmp_path, photos.training, ASKED, "seed")
    return tmp_path


def test_clips_are_divided_up_in_shares_and_shards_in_turns(tmp_path):
    shards = missing_shards(tmp_path, ASKED, 9)
    assert [(shard.name, shard.clips) for shard in shards] == [
        ("mild-0000", 2), ("real-world-0000", 2), ("mild-0001", 2), ("real-world-0001", 1), ("mild-0002", 2),
    ]  # fmt: skip


def test_a_pool_is_made_once_and_extended(folder, photos):
    assert missing_shards(folder, ASKED, ASKED.clips) == []
    more = missing_shards(folder, ASKED, 7)  # 5 of the one kind, 2 of the other
    assert [(shard.name, shard.clips) for shard in more] == [("mild-0002", 1)]
    more[0].write(folder, photos.training, ASKED, "seed")
    first = Pool(folder).clip("mild", 4)[0].copy()
    again = missing_shards(folder, ASKED, 9)
    assert [(shard.name, shard.clips) for shard in again] == [("real-world-0001", 1), ("mild-0002", 2)]
    for shard in again:
        shard.write(folder, photos.training, ASKED, "seed")
    pool = Pool(folder)
    assert (pool.count("mild"), pool.count("real-world")) == (6, 3) and np.array_equal(pool.clip("mild", 4)[0], first)


def test_clips_do_not_depend_on_the_number_of_workers(folder, tmp_path, photos):
    Shard("mild", 0, 2).write(tmp_path / "again", photos.training, ASKED.replace(workers=2), "seed")
    for name in ("high", "low"):
        assert np.array_equal(np.load(tmp_path / f"again/mild-0000/{name}.npy"), np.load(folder / f"mild-0000/{name}.npy"))


def test_clips_are_four_times_larger_than_their_degraded_counterparts(folder):
    high, low = Pool(folder).clip("real-world", 1)
    assert (high.shape, low.shape, high.dtype, low.dtype) == ((3, 3, 48, 48), (3, 3, 12, 12), np.uint8, np.uint8)


def test_a_crops_truth_is_its_middle_frame(tmp_path, photos):
    """Without damage the enlarged middle frame is near the truth of the same place, turn and time; nothing else is."""
    asked = ASKED.replace(degradations={"mild": 1.0})
    Shard("mild", 0, 1).write(tmp_path, photos.training, asked, "seed")
    pool, rng = Pool(tmp_path), random.Random(0)
    high = torch.rand(3, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(high, size=(48, 48), mode="bicubic").clamp(0, 1)
    low = torch.nn.functional.interpolate(smooth, size=(12, 12), mode="bicubic", antialias=True).clamp(0, 1)
    pool.shards["mild"] = [((255 * smooth).byte().numpy()[None], (255 * low).byte().numpy()[None])]
    for _ in range(40):
        window, truth = pool.crop(rng, {"mild": 1.0}, 32)
        assert (window.shape, truth.shape) == ((3, 3, 8, 8), (3, 32, 32))
        enlarged = upscale(window.float() / 255, 4)
        errors = (enlarged - truth / 255)[..., 8:-8, 8:-8].abs().mean((1, 2, 3))
        assert errors[1] < 0.03 and errors[1] == errors.min()


def test_windows_reach_beyond_the_ends_of_clips(folder):
    pool, rng = Pool(folder), random.Random(0)
    windows = pool.crops(rng, {"mild": 1.0}, 32, 100).windows
    repeated = (windows[:, 0] == windows[:, 1]).flatten(1).all(1) | (windows[:, 1] == windows[:, 2]).flatten(1).all(1)
    assert 5 < repeated.sum() < 60


def test_a_damaged_shard_is_named(folder):
    (folder / "mild-0000/low.npy").write_bytes(b"nothing")
    with pytest.raises(JobError, match="mild-0000” is damaged: remove it"):
        Pool(folder)


def test_nothing_is_left_behind_by_a_shard_that_fails(tmp_path):
    with pytest.raises(ValueError, match="empty range"):
        Shard("mild", 0, 2).write(tmp_path, Material(), ASKED, "seed")
    assert list(tmp_path.iterdir()) == []
