"""A CUDA build is fetched by the real pip, unpacked, verified in a process of its own and only then switched on."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wheels import Server, fake_torch, write_wheel

from dcvsr_engine import cli
from dcvsr_engine.errors import AcceleratorError, Cancelled
from dcvsr_engine.gpu import install as installing
from dcvsr_engine.gpu import own_process, switch
from dcvsr_engine.gpu.detect import Gpu
from dcvsr_engine.gpu.install import install_cuda_build, verify_build
from dcvsr_engine.gpu.switch import gpu_folder, switched_on, wanted_version

ROOT = Path(__file__).parents[3]
VERSION = wanted_version() + "+cu130"
WHICH_TORCH = """
import sys, dcvsr_engine.cli
from dcvsr_engine.gpu import switch
assert "torch" not in sys.modules, "the command line loads torch before it knows which"
switch.use_switched_on_build()
import torch
print(torch.__version__, torch.version.cuda)
"""


def torch_of_a_fresh_process() -> str:
    """What a process imports that begins as the engine's does."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, "-c", WHICH_TORCH], env=env, capture_output=True, text=True, check=True).stdout.strip()


def quiet(what: str, done: int, total: int) -> None:
    pass


@pytest.fixture
def server(index, monkeypatch):
    made = Server(index)
    monkeypatch.setenv("PIP_FIND_LINKS", f"http://127.0.0.1:{made.http.server_port}/")
    yield made
    made.close()


def test_it_is_installed_used_by_the_engine_and_removed(publish, capsys, monkeypatch):
    publish()
    assert cli.main(["gpu", "install"]) == 0
    shown, build = capsys.readouterr(), switched_on()
    steps = shown.err.splitlines()
    assert steps[0].startswith("Looking") and f"Downloading torch {VERSION}, 1 of 2 …" in steps and steps[-1] == "Verifying …"
    assert f"PyTorch  {VERSION} for CUDA 13.0" in shown.out
    assert build is not None and (build.torch, build.cuda, build.device) == (VERSION, "13.0", "Pretend GPU")
    assert {path.name for path in gpu_folder().iterdir()} == {build.folder, "on.json", "lock"}, "wheels are not kept"
    assert torch_of_a_fresh_process() == f"{VERSION} 13.0"
    assert cli.main(["gpu", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["gpu"]["name"] == "Pretend GPU" and facts["build"]["torch"] == VERSION
    monkeypatch.setenv("DCVSR_GPU", "off")
    assert switch.use_switched_on_build() is None
    assert cli.main(["gpu", "remove"]) == 0
    assert "the bundled one; “dcvsr gpu install”" in capsys.readouterr().out
    assert switched_on() is None and not gpu_folder().exists()


def test_a_download_that_broke_off_goes_on(publish, server, index):
    publish(ballast=200_000)
    gpu_folder().mkdir(parents=True)
    torch, runtime = (installing.Wheel(name, version, "") for name, version in (("torch", VERSION), ("triton", "1.0")))

    def fetch_both() -> None:
        for number, wheel in enumerate((torch, runtime)):
            installing.fetch_wheel(wheel, gpu_folder() / "wheels", number, 2, quiet, "")

    server.broken = {path.name for path in index.glob("triton*")}
    with pytest.raises(AcceleratorError, match=r"broke off .* complete files are kept, start again to continue\."):
        fetch_both()
    server.broken = set()
    fetch_both()
    assert len(list((gpu_folder() / "wheels").glob("*.whl"))) == 2
    assert sum(name.startswith("torch") for name in server.asked) == 1, "what had come was fetched again"


def test_it_can_be_cancelled_while_nothing_comes(publish, server, index):
    publish()
    server.silent = {path.name for path in index.glob("torch*")}

    def stop(what: str, done: int, total: int) -> None:
        if server.waiting.is_set():
            raise Cancelled

    with pytest.raises(Cancelled):
        install_cuda_build(stop)
    assert switched_on() is None and not list(gpu_folder().glob("torch-*"))


def test_without_room_nothing_is_fetched(publish, monkeypatch):
    publish()
    monkeypatch.setattr(installing, "ALLOWANCE", 10**18)
    monkeypatch.setattr(installing, "run_module", lambda *_: pytest.fail("pip was run"))
    with pytest.raises(AcceleratorError, match=r"not enough space .* 1000000000\.0 GB are needed"):
        install_cuda_build()


def test_space_is_counted_when_what_killed_tries_left_is_gone(publish, monkeypatch):
    publish()
    left = gpu_folder() / "torch-0.0-of-a-killed-try"
    left.mkdir(parents=True)
    usage = shutil.disk_usage(gpu_folder())
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0 if left.exists() else 10**12))
    assert install_cuda_build().cuda == "13.0"


def test_an_index_without_a_cuda_build_is_told_before_anything_is_fetched(publish):
    publish("+cpu", None)
    with pytest.raises(AcceleratorError, match="have no CUDA build of torch"):
        install_cuda_build()
    assert not (gpu_folder() / "wheels").exists()


def test_a_package_that_does_not_belong_to_torch_is_refused(publish, index):
    publish()
    write_wheel(index, "torch", VERSION, fake_torch(VERSION), ("stowaway",))
    write_wheel(index, "stowaway", "1.0", "")
    with pytest.raises(AcceleratorError, match=r"wants to install “stowaway”, which does not belong to torch"):
        install_cuda_build()
    assert switched_on() is None and not (gpu_folder() / "wheels").exists()


def test_every_package_needs_a_hash():
    with pytest.raises(AcceleratorError, match="gives no hash of torch"):
        installing.check_wheels([installing.Wheel("torch", VERSION, "")])
    names = ("torch", "nvidia-cublas-cu13", "nvidia_cudnn_cu13", "cuda-bindings", "triton", "sympy", "typing_extensions")
    installing.check_wheels([installing.Wheel(name, "1", "0" * 64) for name in names])


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("ERROR: No matching distribution found for torch==2.13.0", "have no torch"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "is full; free some space"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "arrived damaged"),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: Read timed out.", "connection broke off"),
        ("ERROR: Something else.", r"^pip failed \(Something else\)\.$"),
    ],
)
def test_what_pip_says_becomes_one_sentence(line, sentence):
    assert re.search(sentence, installing.pip_failure(["Collecting torch", line]))


def test_without_a_gpu_it_says_so(monkeypatch):
    monkeypatch.setattr(installing, "detect_gpu", lambda: None)
    with pytest.raises(AcceleratorError, match="no NVIDIA GPU"):
        install_cuda_build()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("raise OSError('libcudart.so.13 is missing')", r"does not start \(OSError: libcudart\.so\.13 is missing\)"),
        ("import os; os._exit(139)", r"does not start \(it ended with exit code 139\)"),
        (fake_torch(VERSION, None), "a build without CUDA"),
        (fake_torch(VERSION, available=False), r"cannot use the Old GPU: for CUDA 13\.0 a newer driver .* 390\.1 may be needed"),
        (fake_torch("1.0"), "Not the installed build"),
    ],
)
def test_a_build_that_does_not_work_is_not_switched_on(tmp_path, source, sentence):
    folder = tmp_path / "side"
    (folder / "torch").mkdir(parents=True)
    (folder / "torch" / "__init__.py").write_text(source)
    with pytest.raises(AcceleratorError, match=sentence):
        verify_build(folder, Gpu("Old GPU", "390.1"), quiet)


def test_a_build_for_another_version_or_python_is_left_alone(monkeypatch):
    build = switch.Build("torch-x", VERSION, "13.0", "Pretend GPU", switch.this_python())
    (gpu_folder() / "torch-x").mkdir(parents=True)
    switch.switch_on(build)
    assert switched_on() == build
    monkeypatch.setattr(switch, "this_python", lambda: "cpython-399-linux")
    assert switched_on() is None
    monkeypatch.undo()


def test_a_command_that_fails_with_it_says_how_to_go_without(monkeypatch, capsys):
    def fail(options: object) -> int:
        raise OSError("libcudart.so.13 is missing")

    build = switch.Build("torch-x", VERSION, "13.0", "Pretend GPU", switch.this_python())
    monkeypatch.setattr(cli, "run_gpu_command", fail)
    assert cli.main(["gpu"]) == 1
    assert "DCVSR_GPU" not in capsys.readouterr().err
    monkeypatch.setattr(cli, "use_switched_on_build", lambda: build)
    assert cli.main(["gpu"]) == 1
    assert f"torch {VERSION} for the GPU is the cause, DCVSR_GPU=off uses the bundled one" in capsys.readouterr().err


def test_the_frozen_program_runs_pip_in_itself(monkeypatch, tmp_path):
    """By a hidden first argument of the console program, which is beside the one that runs."""
    (tmp_path / "dcvsr").touch()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "dcvsr-studio"))
    words = own_process.module_command("pip", "--version")
    assert words == [str(tmp_path / "dcvsr"), "--module", "pip", "--version"]
    monkeypatch.undo()
    real = [sys.executable, "-m", "dcvsr_engine", *words[1:]]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run(real, env=env, capture_output=True, text=True, check=True).stdout.startswith("pip ")
    assert cli.main(["--module", "this", "--version"]) == 2, "other modules are not run"
