"""VMAF through ffmpeg, and pyiqa's metrics where it is installed or not."""

import sys
import types

import pytest

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.evaluation import external


@pytest.fixture(autouse=True)
def fresh():
    external.pyiqa_metric.cache_clear()
    yield
    external.pyiqa_metric.cache_clear()


def test_vmaf_knows_equal_and_damaged_clips(moving, noisy):
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra “metrics” (imageio-ffmpeg)")
    perfect, damaged = external.vmaf(moving, moving), external.vmaf(noisy(moving, 25), moving)
    assert perfect > 90 and damaged < perfect - 10


def test_vmaf_without_ffmpeg_says_so(moving, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ModelError, match="pip install"):
        external.vmaf(moving, moving)


def test_without_pyiqa_there_is_a_reason(moving, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(ModelError, match="not installed"):
        external.pyiqa_score("musiq", moving, None)


def test_a_broken_pyiqa_is_a_reason(moving, monkeypatch, tmp_path):
    (tmp_path / "pyiqa.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="torchvision::nms"):
        external.pyiqa_score("musiq", moving, None)


def test_weights_that_cannot_be_had_are_a_reason(moving, monkeypatch):
    def offline(name, device):
        raise OSError("no route to host")

    monkeypatch.setitem(sys.modules, "pyiqa", types.SimpleNamespace(list_models=lambda: ["musiq"], create_metric=offline))
    with pytest.raises(ModelError, match="no route to host"):
        external.pyiqa_score("musiq", moving, None)
    with pytest.raises(ModelError, match="does not offer"):
        external.pyiqa_score("dover", moving, None)


def test_pyiqa_gets_frames_between_0_and_1_and_is_averaged(moving, monkeypatch):
    def create(name, device):
        return lambda a, b=None: (a if b is None else (a - b).abs()).mean().view(1, 1)

    monkeypatch.setitem(sys.modules, "pyiqa", types.SimpleNamespace(list_models=lambda: ["musiq"], create_metric=create))
    assert external.pyiqa_score("musiq", moving, None) == pytest.approx(moving.mean() / 255, abs=1e-4)
    assert external.pyiqa_score("musiq", moving, moving) == 0
