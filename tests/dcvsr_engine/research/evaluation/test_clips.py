"""Evaluation clips: cutting and degrading them."""

import gzip

import av
import numpy as np
import pytest

from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.network.resample import shrink
from dcvsr_engine.research.evaluation import clips
from dcvsr_engine.research.evaluation.clips import Preparation, centre_crop, prepare_clip
from dcvsr_engine.research.evaluation.fidelity import psnr_y
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_pictures, to_tensor

SMALL = Preparation(frames=4, start=1, crop=(96, 64))


@pytest.fixture
def source(moving, tmp_path):
    """A folder of pictures."""
    folder = tmp_path / "data" / "street"
    folder.parent.mkdir()
    save_pictures(moving, folder)
    return folder


def test_the_crop_is_the_centre(moving):
    assert (centre_crop(moving, (96, 64)) == to_pictures(shrink(to_tensor(moving), 2))).all()
    assert (centre_crop(moving, (104, 64)) == moving[:, 32:96, 44:148]).all()
    assert (centre_crop(moving[:, :, :190], None) == moving[:, :, :184]).all()
    with pytest.raises(InputError, match="200×64"):
        centre_crop(moving, (200, 64))


@pytest.mark.parametrize("changes", [{"frames": 0}, {"start": -1}, {"crop": (100, 64)}, {"degradation": "harsh"}])
def test_impossible_preparations_are_one_sentence(changes):
    with pytest.raises(SettingsError):
        Preparation(**changes)


def test_h264_clips_are_ordinary_files_close_to_the_shrunk_truth(moving, source, tmp_path):
    clip = prepare_clip("street", source, SMALL, tmp_path / "clips")
    truth, low = read_pictures(clip.truth), read_pictures(clip.low)
    assert (truth == centre_crop(moving[1:5], (96, 64))).all()
    assert low.shape == (4, 16, 24, 3)
    shrunk = to_pictures(shrink(to_tensor(truth), 4))
    assert psnr_y(low, shrunk) > 30
    assert np.abs(low.mean((0, 1, 2)) - shrunk.mean((0, 1, 2))).max() < 2
    with av.open(str(clip.low)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt, stream.codec_context.colorspace) == ("h264", "yuv420p", 6)


def test_a_prepared_clip_is_not_made_again(source, tmp_path):
    first = prepare_clip("street", source, SMALL, tmp_path / "clips")
    before = first.low.stat().st_mtime_ns
    assert prepare_clip("street", source, SMALL, tmp_path / "clips") == first
    assert first.low.stat().st_mtime_ns == before


@pytest.mark.parametrize(("preset", "alike"), [("mild", 0.99), ("real-world", 1)])
def test_damage_is_the_same_every_time(source, tmp_path, preset, alike):
    """Within a little where x264 uses its macroblock tree, which does not decide alike every time at this width."""
    preparation = Preparation(frames=4, crop=(96, 64), degradation=preset)
    first, second = (read_pictures(prepare_clip("street", source, preparation, tmp_path / name).low) for name in "ab")
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > alike - 1e-6 and first.shape == (4, 16, 24, 3)
    assert alike < 1 or (first == second).all()


def test_clips_that_stay_as_they_are_have_no_truth(moving, source, tmp_path):
    clip = prepare_clip("street", source, Preparation(frames=2, crop=None, degradation="none"), tmp_path / "clips")
    assert clip.truth is None and (read_pictures(clip.low) == moving[:2]).all()
    whole = Preparation(frames=None, start=1, crop=None, degradation="none")
    assert (read_pictures(prepare_clip("street", source, whole, tmp_path / "whole").low) == moving[1:]).all()


def test_packed_videos_are_unpacked(moving, tmp_path):
    clips.write_h264(moving, tmp_path / "street.mp4")
    packed = tmp_path / "street.mp4.gz"
    packed.write_bytes(gzip.compress((tmp_path / "street.mp4").read_bytes()))
    clip = prepare_clip("street", packed, SMALL, tmp_path / "clips")
    assert read_pictures(clip.truth).shape == (4, 64, 96, 3)


def test_a_failed_preparation_leaves_nothing(source, tmp_path):
    with pytest.raises(InputError):
        prepare_clip("street", source, Preparation(frames=4, crop=(960, 640)), tmp_path / "clips")
    assert not any((tmp_path / "clips").iterdir())
