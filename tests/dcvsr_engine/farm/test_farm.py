"""A farm on Ray: real clusters of this computer are slow to begin; what needs none is quick."""

import dataclasses
import io
import os
import re
import signal
import socket
import threading
import time
from concurrent.futures import Future
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import jobs
import pytest

from dcvsr_engine import cli
from dcvsr_engine.errors import JobError
from dcvsr_engine.events import Warned
from dcvsr_engine.farm import cluster, command
from dcvsr_engine.farm.address import LOOPBACK, TOKEN_VARIABLE, farm_folder, farm_job_folder, token
from dcvsr_engine.farm.cluster import node_command, refusal_of, version_differences
from dcvsr_engine.farm.driver import run_on_farm
from dcvsr_engine.farm.labels import DEVICE, FarmDevice, computer_of, decoded, encoded, labels_of
from dcvsr_engine.farm.models import farm_model
from dcvsr_engine.farm.status import status_table, worker_rows
from dcvsr_engine.jobs.folders import job_folder
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import MANIFEST, read_manifest

FRAMES = 28
VERSIONS = {"dcvsr": "1", "Ray": "2", "Python": "3.12.1", "PyTorch": "2.13.0+cu130"}
CARDS = [FarmDevice("NVIDIA GeForce RTX 4090", 24 * 2**30), FarmDevice("NVIDIA GeForce RTX 3060", 12 * 2**30)]


def id_of(name: str) -> str:
    return name.encode().hex().ljust(56, "0")


def node(name: str, devices: list[FarmDevice], **facts: object) -> dict[str, object]:
    """A computer as Ray lists it; `id_of` its name is that of its node."""
    resources = {DEVICE: len(devices), "GPU": len(devices)}
    labels = labels_of(devices, VERSIONS)
    ours = {"NodeID": id_of(name), "NodeManagerHostname": name, "NodeManagerAddress": "10.0.0.1", "Resources": resources}
    return ours | {"Labels": labels | {"ray.io/node": "x"}, "Alive": True} | facts


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
        assert (farm_folder() / "token").stat().st_mode & 0o077 == 0


def test_a_farm_listens_on_this_computer_alone_and_tells_nobody(monkeypatch):
    monkeypatch.setattr(cluster, "versions_here", lambda: VERSIONS)
    command = node_command(CARDS, 0, None, LOOPBACK, 7000)
    assert {"--node-ip-address=127.0.0.1", "--disable-usage-stats", "--include-dashboard=false", "--port=7000"} <= set(command)
    joining = node_command(CARDS, 1, "10.0.0.1:7000", "10.0.0.2", 1)
    assert "--head" not in joining and f'--resources={{"{DEVICE}": 2}}' in joining and "--num-gpus=1" in joining


@pytest.mark.parametrize("text", ["", "2.13.0+cu130", "NVIDIA GeForce RTX™ 4090, 24 GB", "显卡" * 20])
def test_labels_hold_any_text_up_to_their_length(text):
    assert re.fullmatch("x[A-Za-z0-9_-]{0,61}x", encoded(text)) and text.startswith(decoded(encoded(text)))
    assert decoded(encoded(text)) == text or len(text.encode()) > 44


def test_a_computer_is_what_its_labels_say():
    found = computer_of(node("box", CARDS))
    assert found.devices == tuple(CARDS) and found.versions == VERSIONS and found.gpus == 2
    (unknown,) = computer_of(node("box", CARDS[:1], Labels={})).devices
    assert unknown == FarmDevice("unknown", 0)


def test_the_status_has_a_row_per_device_whether_it_works_or_not():
    does = {"job": "film.mkv", "target": "/out.mkv", "phase": "sample", "unit": 3, "units": 20, "done": 1, "total": 4}
    box, den = (f"worker-{id_of(name)}" for name in ("box", "den"))
    answers = {f"{box}-1": {"device": CARDS[1].name, "does": does}, f"{box}-2": {"device": CARDS[0].name, "does": {}}}
    rows = worker_rows([computer_of(node("box", CARDS)), computer_of(node("den", CARDS))], answers, [f"{den}-1"])
    assert [(row["host"], row["device"], row["state"]) for row in rows] == [
        ("box", CARDS[1].name, "works"),
        ("box", CARDS[0].name, "idle"),
        ("den", CARDS[0].name, "silent"),
        ("den", CARDS[1].name, "idle"),
    ]
    assert rows[0] == rows[0] | does | {"memory": 12 * 2**30, "versions": VERSIONS} and rows[1]["job"] is None
    table = status_table(rows).splitlines()
    assert len(table) == 5 and "film.mkv, unit 3 of 20, sample 1/4" in table[1] and "12 GB" in table[1] and "does not" in table[3]


def test_the_job_folder_is_beside_the_result_where_others_are_to_see_it(clip, tiny_model, tmp_path):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    assert farm_job_folder(request, "10.0.0.1").parent == tmp_path
    assert farm_job_folder(request, "local") == farm_job_folder(request, None) == job_folder(request)


def test_a_job_that_was_begun_without_a_farm_goes_on_with_one_and_the_other_way_round(clip, tiny_model, tmp_path):
    request = jobs.request(clip, tmp_path / "out.mkv", tiny_model)
    alone, beside = (farm_job_folder(request, address) for address in (None, "10.0.0.1"))
    for begun in (alone, beside):
        begun.mkdir(parents=True)
        (begun / MANIFEST).touch()
        assert farm_job_folder(request, None) == farm_job_folder(request, "10.0.0.1") == begun
        (begun / MANIFEST).unlink()


@pytest.mark.parametrize(
    "error, words",
    [
        (
            "Version mismatch: The cluster was started with:\n    Ray: 2.1.0\n    Python: 3.11.7\nThis process on",
            "(The cluster was",
        ),
        ("Version mismatch: The cluster was started with:\n    Ray: 2.1.0\n    Python: 3.11.7\n", "Ray: 2.1.0 Python: 3.11.7)"),
        ("RpcError: gcs_client.cc:210: Unauthenticated: RPC error: InvalidAuthToken", "does not take this token"),
        ("ConnectionError: refused", "There is no farm at box:1"),
    ],
)
def test_why_a_farm_cannot_be_used_is_one_sentence(error, words):
    assert words in refusal_of("box:1", error)


def test_a_computer_may_use_a_farm_without_working_for_it(monkeypatch):
    assert cluster.devices_here(0) == ([], 0) and cluster.node_surroundings(0, LOOPBACK)["OMP_NUM_THREADS"]
    monkeypatch.setattr(cluster, "versions_here", lambda: VERSIONS)
    assert "--num-cpus=0" in node_command([], 0, "10.0.0.1:6380", "10.0.0.2", 1)


def test_a_token_may_come_where_no_list_of_processes_shows_it(monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    assert cli.command_parser().parse_args(["farm", "status"]).token == "secret"
    assert cli.command_parser().parse_args(["farm", "status", "--token", "other"]).token == "other"


def test_the_way_to_a_farm_is_the_address_that_others_reach_this_computer_at():
    with socket.create_server((LOOPBACK, 0)) as server:
        assert cluster.reach(f"{LOOPBACK}:{server.getsockname()[1]}") == LOOPBACK


def test_a_computer_leaves_with_its_window_even_where_the_program_ignores_interruptions(monkeypatch):
    def take_part(*_: object) -> None:
        while True:
            time.sleep(0.01)

    monkeypatch.setattr(command, "ray_library", lambda token: None)
    monkeypatch.setattr(command, "take_part", take_part)
    monkeypatch.setattr("sys.stdin", io.StringIO())  # at its end
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            command.run_farm_command(cli.command_parser().parse_args(["farm", "start", "--attached"]))
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_nothing_listens_there_is_no_farm():
    """Ray itself would try for minutes."""
    with pytest.raises(JobError, match=r"There is no farm at 127\.0\.0\.1:9"):
        cluster.reach("127.0.0.1:9")


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["join"], "Say which farm to join"),
        (["join", "box:port"], "“box:port” is no address of a farm"),
        (["join", "box:70000"], "“box:70000” is no address of a farm"),
        (["join", ":6380"], "“:6380” is no address of a farm"),
        (["join", "box", "--token", " "], "--token takes what “dcvsr farm start” printed"),
        (["start", "10.0.0.1"], "say --listen 10.0.0.1"),
        (["start", "--devices", "-1"], "at least 0, not -1"),
        (["start", "--port", "0"], "between 1 and 65535, not 0"),
        (["leave"], "Argument action: invalid choice: 'leave'"),
        (["status", "127.0.0.1:9"], "There is no farm at 127.0.0.1:9"),
        (["join", "127.0.0.1:9"], "There is no farm at 127.0.0.1:9"),
    ],
)
def test_bad_input_is_one_sentence(words, sentence, capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", ModuleType("ray"))  # nothing of it is needed to say so
    assert cli.main(["farm", *words]) == 2
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1


@pytest.mark.parametrize(
    "words, sentence",
    [
        (["--farm", "127.0.0.1:9"], "There is no farm at 127.0.0.1:9"),
        (["--farm", "box:port"], "“box:port” is no address of a farm"),
        (["--farm", ""], "“” is no address of a farm"),
        (["--device", "cuda:0,cpu"], "device"),
        (["--farm", "local", "--device", "cpu,"], "device"),
    ],
)
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is an optional extra")
def test_restoring_where_it_cannot_be_is_one_sentence_and_leaves_nothing(words, sentence, clip, tiny_model, tmp_path, capsys):
    target = tmp_path / "results" / "out.mkv"
    target.parent.mkdir()
    assert cli.main(["restore", str(clip), "-o", str(target), "--model", str(tiny_model), *words]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and sentence in said[0] and not list(target.parent.iterdir())


def test_every_other_version_is_a_sentence():
    here = {"dcvsr": "1", "Ray": "2", "Python": "3.12.1", "PyTorch": "2.13"}
    assert version_differences("box", here, here) == []
    found = version_differences("box", {"dcvsr": "1", "Ray": "2.1", "Python": "3.12.1"}, here)
    assert found == [
        "box has Ray 2.1 and this computer 2; install the same on both.",
        "box has PyTorch in no version and this computer 2.13; install the same on both.",
    ]


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is an optional extra")
def test_a_worker_says_what_it_has_and_takes_no_unit_that_its_memory_cannot_hold(clip, tiny_model, tmp_path, monkeypatch):
    cluster.ray_library()
    from dcvsr_engine.farm.worker import FarmWorker, WorkerSight, facts_of_files

    worker, folder, model, host = FarmWorker(), tmp_path / "job", farm_model(str(tiny_model)), socket.gethostname()
    request, files = jobs.request(clip, tmp_path / "out.mkv", tiny_model), facts_of_files(clip)
    (tmp_path / "job").mkdir()
    assert worker.look(request, folder, "seen-1", files, model) == WorkerSight(host, sees=False, has_model=True)
    (folder / "seen-1").touch()
    assert worker.look(request, folder, "seen-1", files, model).sees
    assert not worker.look(request, folder, "seen-1", (), model).sees  # another clip of that name
    other = dataclasses.replace(model, hashes=model.hashes | {"tiny/dcvsr.json": "0"})
    missing = dataclasses.replace(model, name="nowhere")
    assert not worker.look(request, folder, "seen-1", files, other).has_model
    assert not worker.look(request, folder, "seen-1", files, missing).has_model
    monkeypatch.setattr("dcvsr_engine.planning.planner.memory", lambda device: (1, 1))
    said = worker.run(request, folder, model)
    assert "do not fit into the device's memory" in said.sentence and read_manifest(folder) is None


class Call:
    """What a call of an actor gives, in the end."""

    def __init__(self, value: object, ready: bool = True) -> None:
        self.value, self.ready = value, ready

    def remote(self, *arguments: object) -> "Call":
        return self

    def future(self) -> Future:
        future: Future = Future()
        if self.ready:
            future.set_result(self.value)
        return future


class Cluster:
    """As much of Ray as a job needs: actors that answer, or never begin as their device is taken."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, *workers: SimpleNamespace) -> None:
        self.waiting, self.killed = list(workers), []
        self.computers = {"box": len(workers)}

    def nodes(self) -> list[dict[str, object]]:
        return [node(name, [CARDS[0]] * count) for name, count in self.computers.items()]

    def remote(self, kind: type) -> SimpleNamespace:
        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=lambda: self.waiting.pop(0)))

    def wait(self, calls: list[Call], num_returns: int = 1, timeout: float = 0) -> tuple[list[Call], list[Call]]:
        return [call for call in calls if call.ready], [call for call in calls if not call.ready]

    def get(self, call: Call) -> object:
        return call.value

    def kill(self, worker: SimpleNamespace, no_restart: bool = True) -> None:
        self.killed.append((worker, no_restart))


@pytest.fixture
def farm(clip, tiny_model, tmp_path, monkeypatch):
    """Makes a job on a cluster of workers: what each says of its versions, lacks, gives in the end, and whether it begins."""
    if find_spec("ray") is None:
        pytest.skip("Ray is an optional extra")
    cluster.ray_library()
    from dcvsr_engine.farm import run
    from dcvsr_engine.farm.worker import WorkerSight

    (tmp_path / "job").mkdir()
    monkeypatch.setattr(run, "FARM_LOOK_SECONDS", 0.0)
    monkeypatch.setattr(run, "WORKER_START_SECONDS", -1.0)
    monkeypatch.setattr(run, "versions_here", lambda: VERSIONS)

    def job(*workers: dict[str, object]) -> tuple[run.Farm, jobs.Watch]:
        made = [
            SimpleNamespace(
                now=Call(
                    {"host": "box", "versions": VERSIONS | facts.get("versions", {})},
                    facts.get("begins", True),
                ),
                look=Call(WorkerSight("box", sees=True, has_model=facts.get("has_model", True))),
                cancel=Call(None),
                run=Call(facts.get("gives", {"frames_out": 1}), facts.get("ends", True)),
            )
            for facts in workers
        ]
        watch = jobs.Watch()
        return run.Farm(Cluster(*made), jobs.request(clip, tmp_path / "out.mkv", tiny_model), tmp_path / "job", watch), watch

    return job


def test_a_worker_whose_device_is_at_another_job_is_waited_for_and_keeps_nobody(farm):
    job, watch = farm({}, {"begins": False})
    assert job.run() == {"frames_out": 1}
    assert [warning.message for warning in watch.of(Warned)] == [
        "1 worker(s) of the farm wait: their devices are at other jobs, or are gone."
    ]


def test_workers_that_cannot_take_part_are_named_and_the_others_do_the_job(farm, monkeypatch):
    monkeypatch.setattr("dcvsr_engine.farm.run.MOST_SENT", 1000)
    job, watch = farm({"versions": {"Ray": "1", "PyTorch": "2.12"}}, {"has_model": False}, {})
    assert job.run() == {"frames_out": 1}
    *versions, model = [warning.message for warning in watch.of(Warned)]
    assert versions == [
        "box has Ray 1 and this computer 2; install the same on both.",
        "box has PyTorch 2.12 and this computer 2.13.0+cu130; install the same on both.",
    ]
    assert model.startswith("box lacks the model “") and model.endswith("or have it sent with --send-model.")


def test_a_computer_that_joins_in_the_middle_gets_work_whenever_that_is(farm):
    job, watch = farm({"ends": False}, {"gives": {"frames_out": 2}})
    job.ray.computers = {"box": 1}

    def join_later() -> list[dict[str, object]]:
        there = job.ray.looked
        job.ray.looked += 1
        return [node(name, [CARDS[0]]) for name in (("box", "den") if there > 5 else ("box",))]

    job.ray.looked, job.ray.nodes = 0, join_later
    assert job.run() == {"frames_out": 2} and not watch.of(Warned)


def test_a_computer_that_is_lost_is_named_and_one_of_another_version_gets_no_worker(farm):
    job, watch = farm({"ends": False})
    here = [node("box", CARDS[:1])]
    job.ray.nodes = lambda: here
    other = node("den", CARDS, Labels=labels_of(CARDS, VERSIONS | {"dcvsr": "0"}))
    job.see_computers([computer_of(here[0]), computer_of(other)])
    assert len(job.members) == 1
    here.clear()
    with pytest.raises(JobError, match="No worker of the farm is left"):
        job.run()
    assert [warning.message for warning in watch.of(Warned)] == [
        "den has dcvsr 0 and this computer 1; install the same on both.",
        "box cannot be reached any more.",
    ]


def test_what_workers_finish_when_nobody_waits_any_more_is_told_when_the_command_is_repeated(farm, clip, tiny_model, tmp_path):
    """As where the first computer of a farm has died."""
    from dcvsr_engine.farm.worker import FarmWorker

    worker, request, folder = FarmWorker(), jobs.request(clip, tmp_path / "out.mkv", tiny_model, frames=(0, 3)), tmp_path / "job"
    model = farm_model(str(tiny_model))
    report = worker.run(request, folder, model)
    assert report["frames_out"] == 4 and worker.run(request, folder, model) == report
    changed = request.replace(frames=(0, 4))
    assert "exists already" in worker.run(changed, folder, model).sentence and folder.exists()
    job, _ = farm({"gives": report})
    assert job.run() == report
    job.leave()
    assert not folder.exists()


def test_a_worker_that_hangs_is_started_again(farm):
    job, _ = farm({"ends": False})
    job.see_computers([computer_of(node("box", CARDS[:1]))])
    job.take_in()
    (member,) = job.members
    member.pulse = Call({}, ready=False)
    member.listen(job.ray)
    assert job.ray.killed == [(member.actor, False)] and job.working == [member]


def test_where_no_worker_is_left_the_last_reason_is_the_error(farm):
    from dcvsr_engine.farm.worker import Refusal

    job, _ = farm({"gives": Refusal("box: The tiles do not fit into the device's memory.")})
    with pytest.raises(JobError, match="box: The tiles do not fit"):
        job.run()


def test_without_ray_the_program_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    assert cli.main(["farm", "status"]) == 2 and "pip install .[farm]" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is an optional extra")  # it reads the token when it is imported
def test_a_farm_of_two_workers_of_which_one_is_killed_gives_the_frames_of_one(tiny_model, tmp_path, monkeypatch):
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
