"""diffusers without what it does not need. What that saves is seen in a process of its own, in test_start."""

import sys
from importlib.util import find_spec

import pytest
import torch

from dcvsr_engine.network.lean_import import absent, disabling_later


def test_only_what_is_not_there_yet_looks_absent(monkeypatch):
    monkeypatch.delitem(sys.modules, "this", raising=False)
    with pytest.raises(RuntimeError, match="inside"), absent(("this", "json")):
        assert find_spec("this") is None and sys.modules["json"] is not None
        raise RuntimeError("inside")
    assert find_spec("this") is not None and "this" not in sys.modules and "json" in sys.modules


def test_functions_that_are_disabled_meanwhile_stay_out_of_graphs():
    real = torch.compiler.disable
    with disabling_later():
        plain = torch.compiler.disable(torch.sin)
        called = torch.compiler.disable()(torch.sin)
        told = torch.compiler.disable(torch.sin, reason="a test")
    assert torch.compiler.disable is real
    assert all(torch.equal(function(torch.ones(2)), torch.ones(2).sin()) for function in (plain, called, told))
    assert not hasattr(plain, "_torchdynamo_disable") and told._torchdynamo_disable
