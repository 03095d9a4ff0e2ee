"""A farm on Ray: real clusters of this computer are slow to begin; what needs none is quick."""

import os
import signal
import threading
import time
from importlib.util import find_spec

import jobs
import pytest

from dcvsr_engine import cli
from dcvsr_engine.farm import cluster
from dcvsr_engine.farm.cluster import DEVICE, farm_job_folder, node_command, refusal_of, token
from dcvsr_engine.jobs.folders import job_folder
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest

FRAMES = 28


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    before = dict(os.environ)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    yield
    os.environ.clear()  # Ray is told by it what to do
    os.environ.update(before)


def test_the_token_is_made_once_kept_and_replaced_by_one_that_is_given():
    first = token()
    assert len(first) == 64 and token() == first and token("other") == "other" and token() == "other"
    if os.name != "nt":
        assert (cluster.farm_folder() / "token").stat().st_mode & 0o077 == 0


def test_a_farm_listens_on_this_computer_alone_and_tells_nobody():
    command = node_command(2, 0, None, cluster.LOOPBACK, 7000)
    assert {"--node-ip-address=127.0.0.1", "--disable-usage-stats", "--include-dashboard=false", "--port=7000"} <= set(command)
    joining = node_command(3, 1, "10.0.0.1:7000", "10.0.0.2", 1)
    assert "--head" not in joining and f'--resources={{"{DEVICE}": 3}}' in joining and "--num-gpus=1" in joining


def test_the_job_folder_is_beside_the_result_where_others_are_to_see_it(clip, tiny_model, tmp_path):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    assert farm_job_folder(request, "10.0.0.1").parent == tmp_path
    assert farm_job_folder(request, "local") == farm_job_folder(request, None) == job_folder(request)


@pytest.mark.parametrize(
    "error, words",
    [
        (RuntimeError("Version mismatch: The cluster was started with: Ray: 2.1.0"), "another version of Ray or Python"),
        (RuntimeError("Unauthenticated: InvalidAuthToken"), "does not take this token"),
        (ConnectionError("refused"), "There is no farm at box:1"),
    ],
)
def test_why_a_farm_cannot_be_used_is_one_sentence(error, words):
    assert words in refusal_of("box:1", error)


def test_where_nothing_listens_there_is_no_farm():
    """Ray itself would try for minutes."""
    with pytest.raises(ConnectionRefusedError):
        cluster.reach("127.0.0.1:9")


def test_joining_needs_an_address(capsys):
    assert cli.main(["farm", "join"]) == 2 and "Say which farm to join" in capsys.readouterr().err


def test_without_ray_the_program_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert cli.main(["farm", "status"]) == 2 and "pip install .[farm]" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is an optional extra")  # it reads the token when it is imported
def test_a_farm_of_two_workers_of_which_one_is_killed_gives_the_frames_of_one(tiny_model, tmp_path, monkeypatch):
    cluster.ray_library()
    from dcvsr_engine.farm.run import run_on_farm

    clip = jobs.short_clip(tmp_path / "clip.mkv", FRAMES)
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model, order="bricks", device="cpu,cpu")
    alone = request.replace(target=tmp_path / "alone.mkv", settings=request.settings.replace(device="cpu"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run_job(alone, folder=tmp_path / "alone")
    folder, killed = tmp_path / "job", []

    def kill_one() -> None:
        """Kill the process of the worker that has begun a unit first."""
        while not killed:
            known = read_manifest(folder)
            begun = [] if known is None else [unit for unit in known.units if unit.state == "begun"]
            for unit in begun[:1]:
                killed.append(int((folder / f"worker-{unit.owner}.lock").read_text().split()[1]))
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.01)

    threading.Thread(target=kill_one, daemon=True).start()
    report = run_on_farm(request, jobs.Watch(), folder, "local")
    assert killed and report["frames_out"] == FRAMES
    assert jobs.fingerprint(tmp_path / "out.mkv") == jobs.fingerprint(tmp_path / "alone.mkv")
