import logging
import subprocess
import sys
from pathlib import Path

import pytest

from app.studio import keep_log, log_handler
from app.system.crash_report import CrashReport

CRASH = """
import sys, ctypes, pathlib
from app.system.crash_report import CrashReport
CrashReport(pathlib.Path(sys.argv[1])).start()
ctypes.string_at(0)
"""


def test_a_run_that_ends_well_leaves_nothing(tmp_path):
    report = CrashReport(tmp_path / "logs")
    report.start()
    report.stop()
    assert CrashReport(tmp_path / "logs").last == ""


def test_a_crash_is_known_at_the_next_start_and_kept(tmp_path):
    process = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False, capture_output=True)
    assert process.returncode != 0
    report = CrashReport(tmp_path)
    assert "string_at" in report.last
    report.start()
    report.stop()
    assert "string_at" in report.kept.read_text() and CrashReport(tmp_path).last == ""


@pytest.mark.skipif(sys.platform == "win32", reason="names another unwritable folder")
@pytest.mark.parametrize("folder", ["/proc/nowhere", "/dev/null/logs"])
def test_a_log_folder_that_cannot_be_written_does_not_keep_the_window_from_opening(folder, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    keep_log(log_handler(Path(folder) / "studio.log"))
    report = CrashReport(Path(folder))
    report.start()
    report.stop()
    assert report.last == "" and "will leave no report" in capsys.readouterr().err
