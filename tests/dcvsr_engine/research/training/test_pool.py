"""Pools of clips: made once, extended, cropped so that window and truth belong together."""

import random

import numpy as np
import pytest
import torch

from dcvsr_engine.errors import JobError
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.research.training.data import Material
from dcvsr_engine.research.training.pool import Pool, PooledData, Shard, make_pools, missing_shards
from dcvsr_engine.research.training.recipe import PoolRecipe, Recipe, TrainingPhase, Validation

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


def test_a_pool_of_other_clips_is_named(folder):
    with pytest.raises(JobError, match="mild-0000” holds clips of 3 frames of 48 pixels, and the recipe asks for 5 of 48"):
        missing_shards(folder, ASKED.replace(frames=5), ASKED.clips)


def test_a_damaged_shard_is_named(folder):
    (folder / "mild-0000/low.npy").write_bytes(b"nothing")
    with pytest.raises(JobError, match="mild-0000” is damaged: remove it"):
        Pool(folder)


def test_nothing_is_left_behind_by_a_shard_that_fails(tmp_path):
    with pytest.raises(ValueError, match="empty range"):
        Shard("mild", 0, 2).write(tmp_path, Material(), ASKED, "seed")
    assert list(tmp_path.iterdir()) == []


def test_a_window_is_a_part_of_longer_clips(folder):
    pool, rng = Pool(folder), random.Random(0)
    high, low = pool.clip("mild", 0)
    windows = {tuple(pool.crop(rng, {"mild": 1.0}, 48, 1)[0].flatten().tolist()) for _ in range(60)}
    assert tuple(torch.from_numpy(low[0].copy()).flatten().tolist()) in windows and len(windows) > 3
    middles = pool.middles("mild", 1)
    assert np.array_equal(middles.windows[0, 0], low[1]) and np.array_equal(middles.truth[0], high[1])


def test_a_pair_of_clips_is_of_one_place_and_time(tmp_path):
    """Every pixel of the undamaged clip says where and when it is; the small clip is made of every fourth."""
    frames, high = torch.meshgrid(torch.arange(7), torch.arange(32 * 32), indexing="ij")
    high = ((high + 37 * frames) % 251).byte().view(7, 1, 32, 32).expand(-1, 3, -1, -1)
    pool, rng = Pool(tmp_path), random.Random(0)
    pool.shards["mild"] = [(high.numpy()[None], high[:, :, ::4, ::4].numpy()[None])]
    seen = set()
    for _ in range(50):
        clip, low = pool.clip_pair(rng, "mild", 3, 1, 16)
        assert (clip.shape, low.shape) == ((3, 3, 16, 16), (5, 3, 4, 4))
        # a turned picture keeps the corner of each 4 × 4 pixels in one of four places
        assert any(torch.equal(low[1:-1], clip[:, :, y::4, x::4]) for y in (0, 3) for x in (0, 3))
        seen.add(tuple(low.flatten().tolist()))
    assert len(seen) > 20


def test_batches_and_held_out_clips_of_a_pool(tmp_path, photos):
    asked = ASKED.replace(frames=5, workers=2)
    make_pools(asked, 3, tmp_path, lambda: photos, lambda sentence: None)
    phase = TrainingPhase(iterations=2, frames=3, batch=2, size=32, degradations=ASKED.degradations)
    recipe = Recipe(name="tiny", start="unused", phases=(phase,), clips=asked, validation=Validation(clips=2, frames=3, size=32))
    data = PooledData(tmp_path)
    clips, low = data.batches(recipe, 1)[1]
    assert (clips.shape, low.shape, clips.dtype) == ((2, 3, 3, 32, 32), (2, 5, 3, 8, 8), torch.uint8)
    assert torch.equal(data.batches(recipe, 1)[1][0], clips) and not torch.equal(data.batches(recipe, 1)[0][0], clips)
    held_out, small = data.held_out_pairs(recipe.validation, 1)
    assert (held_out.shape, small.shape) == ((2, 3, 3, 32, 32), (2, 5, 3, 8, 8)) and held_out.max() <= 1
    assert torch.equal(data.held_out_pairs(recipe.validation, 1)[0], held_out)
    make_pools(asked, 3, tmp_path, lambda: pytest.fail("all clips are there"), lambda sentence: None)
