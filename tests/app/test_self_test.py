"""The self-test: its pieces notice what is wrong, and the whole passes here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from app import self_test
from app.self_test import Checks, EngineTrial, SelfTestError, code_ffv1, code_h264, colors_of, enlarged_frames, likeness_db

ROOT = Path(__file__).parents[2]


def fail() -> str:
    raise SelfTestError("It is broken.")


@pytest.fixture
def frames() -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(48), np.arange(32))
    return np.stack([np.stack([4 * columns + n, 6 * rows, columns + rows], -1) for n in range(3)]).astype(np.uint8)


def test_a_failing_check_is_reported_and_does_not_stop_the_others(qapp):
    checks = Checks()
    assert not checks.attempt("broken", fail)
    assert not checks.attempt("unexpected", lambda: str(1 / 0))
    assert checks.attempt("fine", lambda: "good")
    report = checks.report()
    assert not report["ok"] and not checks.ok
    found = [(check["name"], check["ok"]) for check in report["checks"]]
    assert found == [
        ("broken", False),
        ("unexpected", False),
        ("fine", True),
    ]
    assert report["checks"][0]["detail"] == "It is broken." and "ZeroDivisionError" in report["checks"][1]["detail"]


def test_no_check_is_no_success(qapp):
    assert not Checks().ok


def test_likeness(frames):
    assert likeness_db(frames, frames) == float("inf")
    assert likeness_db(np.zeros_like(frames), np.full_like(frames, 255)) == 0
    with pytest.raises(SelfTestError):
        likeness_db(frames, frames[:2])


def test_clips_are_coded_and_read(frames, tmp_path):
    assert "lossless" in code_ffv1(frames, tmp_path / "clip.mkv")
    assert "3 frames" in code_h264(frames, tmp_path / "clip.mp4")


def test_a_bad_copy_is_noticed(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(self_test, "read_frames", lambda path: np.roll(frames, 7, axis=2))
    with pytest.raises(SelfTestError):
        code_h264(frames, tmp_path / "clip.mp4")
    with pytest.raises(SelfTestError):
        code_ffv1(frames, tmp_path / "clip.mkv")


def test_an_empty_picture_is_noticed(qapp):
    image = QImage(20, 10, QImage.Format.Format_RGB32)
    image.fill(QColor("navy"))
    with pytest.raises(SelfTestError, match="nothing was drawn"):
        colors_of(image, least=2)
    image.setPixelColor(3, 3, QColor("white"))
    assert colors_of(image, least=2) == 2


def test_enlarged(frames):
    assert enlarged_frames(frames).shape == (3, 128, 192, 3)


def test_missing_files_and_a_missing_platform_are_noticed(qapp, monkeypatch, tmp_path):
    monkeypatch.setattr(self_test, "resource", tmp_path.joinpath)
    with pytest.raises(SelfTestError, match="missing in"):
        self_test.find_files()
    monkeypatch.setitem(self_test.PLATFORM_PLUGINS, sys.platform, "libqmissing")
    with pytest.raises(SelfTestError):
        self_test.load_platform()


def test_a_bundle_that_leads_other_programs_astray_is_noticed(monkeypatch):
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/bundle", raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/local/lib")
    assert "/opt/bundle" in self_test.look_around()
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/bundle:/usr/local/lib")
    with pytest.raises(SelfTestError):
        self_test.look_around()


def test_a_dead_engine_fails_at_once(qapp, start_engine):
    trial = EngineTrial()
    trial.events.append(self_test.EngineDied(-9))
    with pytest.raises(SelfTestError, match="died"):
        trial.wait_for(self_test.Ready, 60)
    trial.engine.shut_down()


@pytest.mark.slow
def test_this_copy_of_the_program_works(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "app", "--self-test", "--report", str(tmp_path / "report.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert done.returncode == 0 and report["ok"], done.stdout
    assert {"engine", "restoration", "window", "H.264", "FFV1"} <= {check["name"] for check in report["checks"]}
