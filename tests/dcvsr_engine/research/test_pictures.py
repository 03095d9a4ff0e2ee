"""Pictures to disk and back, and between bytes and tensors."""

import pytest
import torch

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_pictures, to_tensor


def test_written_pictures_are_read_back_exactly(moving, tmp_path):
    save_pictures(moving, tmp_path / "clip")
    assert (read_pictures(tmp_path / "clip") == moving).all()
    assert (read_pictures(tmp_path / "clip", first=2, frames=3) == moving[2:5]).all()
    assert [path.name for path in tmp_path.iterdir()] == ["clip"]


def test_a_clip_that_is_too_short_is_one_sentence(moving, tmp_path):
    save_pictures(moving, tmp_path / "clip")
    with pytest.raises(InputError, match="too few frames"):
        read_pictures(tmp_path / "clip", first=4, frames=3)


def test_tensors_are_clamped_and_rounded(moving):
    assert (to_pictures(to_tensor(moving)) == moving).all()
    assert to_pictures(torch.tensor([-1.0, 0.5, 2.0]).view(1, 3, 1, 1)).ravel().tolist() == [0, 128, 255]
