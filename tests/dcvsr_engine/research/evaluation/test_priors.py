"""A learned upsampler alone as a column."""

import shutil

import networks
import numpy as np
import pytest
import torch

from dcvsr_engine.control import Control
from dcvsr_engine.errors import ModelError
from dcvsr_engine.network.upsampling import LearnedUpsampler
from dcvsr_engine.research.evaluation.priors import prior
from dcvsr_engine.research.pictures import read_pictures, save_pictures, to_pictures, to_tensor


def test_it_enlarges_every_frame_among_its_neighbours(learned_model, moving, tmp_path):
    save_pictures(moving[:4, :16, :24], tmp_path / "low")
    method = prior(str(learned_model))
    assert (method.name, method.folder) == ("prior", learned_model / "upsampler") and "5 frames" in method.details
    assert method.restore(tmp_path / "low", tmp_path / "result", Control()) >= 0
    result, clip = read_pictures(tmp_path / "result"), to_tensor(moving[:4, :16, :24])
    assert result.shape == (4, 64, 96, 3)
    learned = LearnedUpsampler(method.upsampler.network)
    for frame, near in ((0, [0, 0, 0, 1, 2]), (2, [0, 1, 2, 3, 3])):
        assert np.array_equal(result[frame], to_pictures(learned(clip[near].unsqueeze(0), 4))[0])


def test_it_is_known_by_its_files(learned_model, tmp_path):
    folder = shutil.copytree(learned_model / "upsampler", tmp_path / "own")
    method = prior(f"new={folder}")
    assert (method.name, method.folder) == ("new", folder)
    before = method.identity()
    assert before == prior(str(learned_model)).identity()
    other = networks.upsampler()
    other.head.bias.data = torch.ones(4)
    other.save(folder)
    assert prior(str(folder)).identity() != before


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_without_an_upsampler_is_one_sentence(place, tmp_path):
    with pytest.raises(ModelError, match="cannot be used"):
        prior(str(tmp_path / place)).identity()
