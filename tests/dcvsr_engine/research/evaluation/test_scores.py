"""The table's metrics together: values, and reasons where there are none."""

import sys

import pytest

from dcvsr_engine.research.evaluation import scores
from dcvsr_engine.research.evaluation.scores import ROWS, Sample, score_sample
from dcvsr_engine.tiling.grid import TileGrid


@pytest.fixture
def sample(moving, noisy):
    return Sample(noisy(moving, 6), moving, noisy(moving, 12, seed=1), TileGrid.build(6, 32, 48, tile=24), 4)


def only(monkeypatch, *names):
    chosen = tuple(m for m in scores.ROW_GROUPS if any(metric.name in names for metric in m.rows))
    monkeypatch.setattr(scores, "ROW_GROUPS", chosen)


def test_every_metric_gets_a_value_or_a_reason(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    found = score_sample(sample)
    assert list(found) == list(ROWS)
    assert all((cell.value is None) == bool(cell.reason) for cell in found.values())
    assert found["PSNR"].value == pytest.approx(32.6, abs=0.3)
    assert all(found[name].value is None and "pyiqa" in found[name].reason for name in ("LPIPS", "DISTS", "MUSIQ", "CLIP-IQA"))
    assert found["DOVER"].value is None


def test_without_truth_only_blind_metrics_have_values(sample):
    blind = Sample(sample.result, None, sample.bicubic, sample.grid, 4)
    found = score_sample(blind)
    assert all(found[name].value is None for name in ("PSNR", "PSNR-Y", "SSIM", "ST-LPIPS", "tST-LP", "tOF", "VMAF"))
    assert found["seam score"].value is not None and "undamaged" in found["PSNR"].reason


def test_a_single_frame_has_no_temporal_values(sample, monkeypatch):
    only(monkeypatch, "tOF", "flicker", "tST-LP")
    found = score_sample(Sample(sample.result[:1], sample.truth[:1], sample.bicubic[:1], sample.grid, 4))
    assert found["tOF"].value is None and found["flicker"].value is None and found["tST-LP"].value is None


def test_a_missing_package_is_a_reason(sample, monkeypatch):
    only(monkeypatch, "tOF")
    monkeypatch.setitem(sys.modules, "cv2", None)
    assert score_sample(sample)["tOF"].reason == "the Python package cv2 is not installed"


def test_tst_lp_compares_changes_and_not_pictures(moving, noisy, monkeypatch):
    pytest.importorskip("stlpips_pytorch", reason="needs the extra “metrics” (stlpips-pytorch)")
    only(monkeypatch, "ST-LPIPS")
    truth, grid = moving[:4, :64, :64], TileGrid.build(4, 16, 16)

    def values(result):
        found = score_sample(Sample(result, truth, truth, grid, 4))
        return found["ST-LPIPS"].value, found["tST-LP"].value

    steady = truth // 2 + 40
    flickering = steady.copy()
    flickering[::2] = noisy(steady[::2], 30)
    assert values(truth) == (0, 0)
    assert values(steady)[0] > 0
    assert values(flickering)[1] > 3 * values(steady)[1]
