"""An NVIDIA GPU is found by what its driver leaves on the system."""

from dcvsr_engine.gpu import detect as looking
from dcvsr_engine.gpu.detect import Gpu, from_nvidia_smi, from_proc

VERSION = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.10  Thu Jan 23 09:48:00 UTC 2026\nGCC version: gcc 13\n"


def test_the_drivers_own_tool_is_asked(person):
    tool = person / "tools" / "nvidia-smi"
    assert from_nvidia_smi() == Gpu("Pretend GPU", "570.12", 8 << 30)
    tool.write_text('#!/bin/sh\necho "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver."\nexit 9\n')
    assert from_nvidia_smi() is None
    tool.write_text('#!/bin/sh\necho "Pretend GPU, 570.12, [N/A]"\n')
    assert from_nvidia_smi() == Gpu("Pretend GPU", "570.12", 0)


def test_linux_tells_of_a_driver(tmp_path):
    assert from_proc(tmp_path) is None
    card = tmp_path / "gpus" / "0000:01:00.0"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA GeForce RTX 3060\nIRQ:   \t\t 143\n")
    (tmp_path / "version").write_text(VERSION)
    assert from_proc(tmp_path) == Gpu("NVIDIA GeForce RTX 3060", "570.86.10")


def test_no_driver_no_gpu(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(looking.LIBRARIES, "linux", "libnothing-of-the-kind.so")
    monkeypatch.setattr(looking, "from_proc", lambda: from_proc(tmp_path))
    assert looking.detect_gpu() is None
