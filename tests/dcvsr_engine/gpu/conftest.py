"""A computer with an NVIDIA GPU, and pip cut off from real indexes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from wheels import fake_torch, write_wheel

from dcvsr_engine.gpu.switch import wanted_version

SMI = '#!/bin/sh\necho "Pretend GPU, 570.12, 8192"\n'


@pytest.fixture(autouse=True)
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Someone who has never used the program, with an NVIDIA GPU, and without any package index."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "nvidia-smi").write_text(SMI)
    (tools / "nvidia-smi").chmod(0o755)
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("dcvsr_engine.gpu.install.ALLOWANCE", 10**6)
    return tmp_path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where pip finds packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def publish(index: Path) -> Callable[..., None]:
    """Put a build of torch, and one library that it needs, into the index."""

    def publish_(build: str = "+cu130", cuda: str | None = "13.0", ballast: int = 0) -> None:
        version = wanted_version() + build
        write_wheel(index, "torch", version, fake_torch(version, cuda), ("triton",))
        write_wheel(index, "triton", "1.0", "", ballast=ballast)

    return publish_
