"""Nothing of other users or of the current folder gets into the program."""

import getpass
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcvsr_engine import environment
from dcvsr_engine.environment import CACHES, MMAP_THRESHOLD, safe_import_path, use_private_caches
from dcvsr_engine.gpu.own_process import run_module

ROOT = Path(__file__).parents[2]
TRAP = "from pathlib import Path\nPath('trapped').touch()\n"


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """A user without caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in CACHES:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    yield tmp_path
    for name in CACHES:
        os.environ.pop(name, None)


def test_caches_are_below_the_user_s_own_folder(clean):
    use_private_caches()
    assert {os.environ[name] for name in CACHES} == {
        str(clean / "cache" / "dcvsr-studio" / "torch" / name) for name in CACHES.values()
    }


def test_a_chosen_cache_is_left_alone(clean, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "/elsewhere")
    use_private_caches()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "/elsewhere"


def test_without_a_cache_folder_a_temporary_one_is_made(clean, monkeypatch):
    (clean / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(clean / "file"))
    use_private_caches()
    folder = Path(os.environ["TRITON_CACHE_DIR"]).parent
    assert folder.name.startswith("dcvsr-") and folder.stat().st_mode & 0o77 == 0
    folder.rmdir()


def test_a_name_that_somebody_took_in_the_temporary_folder_does_no_harm(clean):
    """Tried with the real import of what has torch make its cache folder, as diffusers has it."""
    taken = clean / "tmp"
    taken.mkdir()
    (taken / f"torchinductor_{getpass.getuser()}").symlink_to("/nonexistent/x")
    # every command sees to it before it imports torch
    code = "import sys; from dcvsr_engine.cli import main; code = main(sys.argv[1:]); import torch._dynamo.package; exit(code)"
    env = os.environ | {"TMPDIR": str(taken), "PYTHONPATH": str(ROOT), "XDG_DATA_HOME": str(clean)}
    words = ["info", str(clean / "missing.mp4")]
    done = subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "does not exist" in done.stderr, done.stderr


def test_processes_do_not_import_modules_of_the_current_folder(tmp_path, monkeypatch):
    for name in ("pip", "signal", "dcvsr_engine"):
        (tmp_path / f"{name}.py").write_text(TRAP)
    monkeypatch.chdir(tmp_path)
    code, lines = run_module("pip", ["--version"], lambda line: None)
    assert code == 0 and lines[0].startswith("pip ")
    context = multiprocessing.get_context("spawn")
    with safe_import_path():
        process = context.Process(target=print)
        process.start()
    process.join()
    assert process.exitcode == 0
    assert not (tmp_path / "trapped").exists()
    assert environment.SAFE_PATH not in os.environ


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_large_tensors_stay_apart_from_the_heap():
    """Without it glibc takes what is freed as a sign that the heap may hold as much."""
    size = MMAP_THRESHOLD[1]
    code = f"""
import ctypes
from dcvsr_engine.environment import use_steady_heap
class Facts(ctypes.Structure):
    names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in names.split()]
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes, library.mallinfo2.restype = ctypes.c_void_p, [ctypes.c_void_p], Facts
use_steady_heap()
for _ in range(2):
    apart = library.mallinfo2().hblkhd
    held = library.malloc({size} + 1)
    assert library.mallinfo2().hblkhd - apart >= {size}
    library.free(held)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
