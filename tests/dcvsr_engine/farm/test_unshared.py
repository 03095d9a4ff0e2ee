"""A farm whose second node sees neither the job's folder, nor the input, nor the model: it is sent all of them, and is disturbed.

All slow: two nodes of Ray, the second with a private mount over the folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec

import jobs
import pytest
from office import Office, kill_all, office_in, wait_until, worker_of

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled
from dcvsr_engine.events import StepStarted
from dcvsr_engine.farm.address import farm_job_folder, token
from dcvsr_engine.farm.driver import run_on_farm
from dcvsr_engine.jobs.job import run_job
from dcvsr_engine.jobs.manifest import read_manifest


def may_hide() -> bool:
    """Whether a process may have mounts of its own here."""
    return bool(shutil.which("unshare")) and not subprocess.run(["unshare", "-rm", "true"], check=False).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(
        find_spec("ray") is None or not sys.platform.startswith("linux") or not may_hide(),
        reason="needs Ray, an optional extra, and Linux's private mounts",
    ),
]
FRAMES = 56


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The folder that only the head sees: a clip, a model, and the frames of a job without a farm."""
    folder = tmp_path_factory.mktemp("share")
    (folder / "tiny").mkdir()
    model = jobs.write_model(folder / "tiny")
    clip = jobs.short_clip(folder / "clip.mp4", FRAMES, options={"g": "18", "bf": "2"})
    request = jobs.request(clip, folder / "alone.mkv", model, order="bricks")
    run_job(request, folder=folder / "job")
    return folder, request, jobs.fingerprint(request.target)


@pytest.fixture(scope="module")
def office(shared, tmp_path_factory):
    with office_in(tmp_path_factory.mktemp("office"), 6393, {"head": 0, "second": 1}, hidden=shared[0]) as office:
        yield office


@pytest.fixture(autouse=True)
def home(office):
    """That of the nodes, with their token, and not one for every test."""


@pytest.mark.parametrize("what", ["nothing", "worker", "driver", "gone", "head"])
def test_a_worker_that_sees_nothing_gives_the_same_frames_whatever_is_lost(what, office, shared):
    folder, asked, frames = shared
    request = asked.replace(target=folder / f"{what}.mkv")
    office.start("head", "second")
    driver = office.restore(request)
    office.reach_point(request, 1)
    match what:
        case "worker":
            os.kill(worker_of(office.nodes["second"]), signal.SIGKILL)
        case "driver":
            kill_all(driver)
            driver = office.restore(request)
        case "gone":
            kill_all(office.nodes.pop("second"))
            assert office.done(driver) == 2 and "No worker of the farm is left" in office.said().splitlines()[-1]
            office.start("second")
            driver = office.restore(request)
        case "head":
            kill_all(office.nodes.pop("head"))
            assert office.done(driver) == 2, office.said()
            office.start("head", "second")
            driver = office.restore(request)
    assert office.done(driver) == 0, office.said()
    assert jobs.fingerprint(request.target) == frames
    assert "does not see" in office.said() and not farm_job_folder(request, office.address).exists()


def run_until(office: Office, request, reached, act) -> None:
    """Run a job on the farm from this process; once ``reached`` holds, ``act`` on its control."""
    control = Control()

    def then() -> None:
        wait_until(reached)
        act(control)

    threading.Thread(target=then, daemon=True).start()
    run_on_farm(request, control, farm_job_folder(request, office.address), office.address)


def test_a_job_may_pause_on_the_farm(office, shared):
    folder, asked, frames = shared
    request, stood = asked.replace(target=folder / "pause.mkv"), []
    office.start("head", "second")

    def pause(control: Control) -> None:
        control.pause()
        time.sleep(5)
        stood.append(len(office.units(request, "finished")))
        time.sleep(10)
        stood.append(len(office.units(request, "finished")))
        control.resume()

    run_until(office, request, lambda: office.units(request, "finished"), pause)
    assert jobs.fingerprint(request.target) == frames
    assert stood[0] == stood[1] < 5


def test_a_job_begun_without_the_farm_goes_on_there_and_the_other_way_round(office, shared):
    folder, asked, frames = shared
    office.start("head", "second")
    begun = asked.replace(target=folder / "begun.mkv")
    stop = jobs.CancelAt(StepStarted, 3, lambda: jobs.has_finished(farm_job_folder(begun, office.address))).watch
    with pytest.raises(Cancelled):
        run_job(begun, stop)
    assert read_manifest(farm_job_folder(begun, office.address)).finished
    assert office.done(office.restore(begun)) == 0, office.said()
    assert jobs.fingerprint(begun.target) == frames
    back = asked.replace(target=folder / "back.mkv")
    with pytest.raises(Cancelled):
        run_until(office, back, lambda: office.units(back, "finished"), Control.cancel)
    assert read_manifest(farm_job_folder(back, None)).finished
    assert run_job(back, folder=farm_job_folder(back, None))["resumed"] and jobs.fingerprint(back.target) == frames


OTHER_VERSION = """
import sys
from dcvsr_engine.farm import cluster
cluster.__version__ = "0"
from dcvsr_engine.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_other_versions_are_a_sentence_and_the_others_do_the_job(office, shared):
    folder, asked, frames = shared
    office.start("head", "second")
    words = ["farm", "join", office.address, "--token", token(), "--listen", "127.0.0.4", "--devices", "1"]
    with office.log.open("ab") as log:
        third = subprocess.Popen([sys.executable, "-c", OTHER_VERSION, *words], stdout=log, stderr=log)
    try:
        before = office.said().count("in the farm at")
        wait_until(lambda: office.said().count("in the farm at") > before)
        request = asked.replace(target=folder / "versions.mkv")
        assert office.done(office.restore(request)) == 0, office.said()
        assert "has dcvsr 0 and this computer" in office.said() and jobs.fingerprint(request.target) == frames
    finally:
        third.send_signal(signal.SIGTERM)
        third.wait(60)
