"""NIQE against scikit-video, run as a black box, and on damage of rising strength."""

import importlib
import sys
import types

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.research.evaluation.niqe import niqe, niqe_frame
from dcvsr_engine.research.pictures import luma


@pytest.fixture(autouse=True)
def extra():
    for package in ("scipy", "skvideo"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs the extra “metrics” ({package})")


@pytest.fixture(scope="module")
def photograph():
    """A real photograph of 512 × 512."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image")
    return data.astronaut()


def published(monkeypatch):
    """scikit-video's NIQE; names that newer numpy and scipy have dropped are given back to it."""
    import scipy

    def imresize(picture, share, interp, mode):
        assert (share, interp, mode) == (0.5, "bicubic", "F")
        height, width = picture.shape
        return np.asarray(Image.fromarray(picture).resize((width // 2, height // 2), Image.Resampling.BICUBIC))

    for name, kind in (("int", int), ("float", float), ("bool", bool)):
        monkeypatch.setattr(np, name, kind, raising=False)
    misc = types.ModuleType("scipy.misc")
    misc.imresize = imresize
    monkeypatch.setitem(sys.modules, "scipy.misc", misc)
    monkeypatch.setattr(scipy, "misc", misc, raising=False)
    return importlib.import_module("skvideo.measure.niqe").niqe


@pytest.mark.filterwarnings("ignore")
def test_equals_scikit_video(photograph, monkeypatch):
    values = luma(photograph[None, :, :320])
    assert niqe_frame(values[0]) == pytest.approx(float(published(monkeypatch)(values[..., None])[0]), rel=2e-3)


def test_damage_raises_it(photograph, noisy):
    clean = niqe(photograph[None, :400, :400])
    assert clean < niqe(noisy(photograph[None, :400, :400], 12)) < niqe(noisy(photograph[None, :400, :400], 40))


def test_too_small_pictures_have_no_value():
    assert niqe(np.zeros((1, 128, 400, 3), np.uint8)) is None
