"""ST-LPIPS against the package that published it, run as a black box."""

import sys
import types

import pytest
import torch
import torch.nn.functional as F

from dcvsr_engine.errors import ModelError
from dcvsr_engine.research.evaluation import st_lpips
from dcvsr_engine.research.evaluation.st_lpips import STLPIPS, BlurPool


def published(backbone, monkeypatch):
    """The package's own metric; what it imports for training and printing alone is replaced by empty modules."""
    for name in ("IPython", "torchsummary", "torchvision", "torchvision.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules["IPython"].embed = sys.modules["torchsummary"].summary = None
    sys.modules["torchvision"].models = sys.modules["torchvision.models"]
    module = pytest.importorskip("stlpips_pytorch.stlpips", reason="needs the extra “metrics” (stlpips-pytorch)")
    return module.LPIPS(net=backbone, variant="shift_tolerant", verbose=False)


def metric(backbone):
    pytest.importorskip("stlpips_pytorch", reason="needs the extra “metrics” (stlpips-pytorch)")
    return STLPIPS.load(backbone)


@pytest.mark.parametrize(("backbone", "size"), [("alex", (64, 64)), ("alex", (61, 78)), ("vgg", (47, 40))])
def test_equals_the_published_metric(backbone, size, monkeypatch):
    reference = published(backbone, monkeypatch)
    generator = torch.Generator().manual_seed(5)
    a = torch.rand(2, 3, *size, generator=generator)
    b = F.avg_pool2d(a, 5, stride=1, padding=2)
    with torch.no_grad():
        expected = reference(a, b, normalize=True).flatten()
        assert torch.allclose(metric(backbone)(a, b), expected, atol=1e-5, rtol=1e-5)
    assert expected.min() > 0.05


def test_grows_with_damage_and_is_zero_for_equal_pictures():
    alex = metric("alex")
    picture = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    distances = [float(alex(picture, (picture + amount * noise).clamp(0, 1))) for amount in (0, 0.05, 0.1, 0.2)]
    assert distances[0] == 0
    assert distances == sorted(distances)


def test_gradient_reaches_the_picture_and_survives_flat_areas():
    vgg = metric("vgg")
    picture = torch.zeros(1, 3, 48, 48, requires_grad=True)
    vgg(picture, torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(3))).sum().backward()
    assert torch.isfinite(picture.grad).all() and picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in vgg.parameters())


def test_blur_pool_is_the_binomial_filter_at_every_second_pixel():
    row = torch.arange(8.0).square()
    blurred = BlurPool()(row.expand(1, 1, 8, 8))[0, 0, 2]
    inner = [(row[i - 1] + 2 * row[i] + row[i + 1]) / 4 for i in (1, 3, 5)]
    assert blurred[1:4].tolist() == inner and blurred.shape == (5,)


def test_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setattr(st_lpips.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install"):
        STLPIPS.load("alex")
