"""Devices and number formats are resolved openly."""

import pytest
import torch

from dcvsr_engine.network.device import available_devices, device_title, memory, resolve_device, resolve_precision


def test_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (resolve_device("auto"), resolve_device("cpu")) == ("cpu", "cpu")
    monkeypatch.setattr(torch, "get_num_threads", iter((1, 2)).__next__)
    assert [device_title("cpu"), device_title("cpu")] == ["processor, 1 thread", "processor, 2 threads"]
    free, total = memory("cpu")
    assert 0 < free <= total
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert available_devices() == ["mps", "cpu"]
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == "cuda" and available_devices() == ["cuda", "xpu", "mps", "cpu"]
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "Radeon")
    monkeypatch.setattr(torch.version, "hip", "7.0")
    assert device_title("cuda") == "Radeon (ROCm)"


@pytest.mark.parametrize("native, on_processor, on_gpu", [(True, "bf16", "bf16"), (False, "fp32", "fp16")])
def test_precision(monkeypatch, native, on_processor, on_gpu):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert resolve_precision("auto", "cpu") == on_processor
    assert resolve_precision("auto", "cuda") == on_gpu
    assert resolve_precision("auto", "mps") == "fp16"
    assert resolve_precision("fp32", "cuda") == "fp32"
