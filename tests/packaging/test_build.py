"""Building a bundle: what is measured, and when it counts as built."""

import json
import sys

import build
import pytest


def test_every_file_is_counted_once_and_links_are_not(tmp_path):
    inner = tmp_path / "_internal"
    for place, size in {"torch/lib/libtorch.so": 500, "torch/nn/a.pyc": 20, "av.libs/libx264.so": 30, "libX11.so.6": 7}.items():
        (inner / place).parent.mkdir(parents=True, exist_ok=True)
        (inner / place).write_bytes(b"x" * size)
    (inner / "link.so").symlink_to(inner / "libX11.so.6")
    (tmp_path / "dcvsr").write_bytes(b"x" * 3)
    expected = {"torch libraries": 500, "torch, Python part": 20, "FFmpeg and PyAV": 30, build.REST: 7, "programs": 3}
    assert build.sizes(tmp_path) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="the programs here are shell scripts")
@pytest.mark.parametrize(
    ("status", "report", "passed"),
    [
        (0, {"ok": True, "frozen": True, "checks": []}, True),
        (1, {"ok": True, "frozen": True, "checks": []}, False),
        (0, {"ok": False, "frozen": True, "checks": []}, False),
        (0, {"ok": True, "frozen": False, "checks": []}, False),
        (0, None, False),
    ],
)
def test_only_a_frozen_program_that_says_so_and_ends_well_has_passed(tmp_path, status, report, passed):
    program, target = tmp_path / "program", tmp_path / "report.json"
    target.write_text(json.dumps({"ok": True, "frozen": True, "checks": []}), encoding="utf-8")  # of an earlier run
    writing = "" if report is None else f"echo '{json.dumps(report)}' > \"$3\""
    program.write_text(f'#!/bin/sh\ntest "$1 $2" = "--self-test --report" || exit 9\n{writing}\nexit {status}\n')
    program.chmod(0o755)
    assert build.self_test(program, target) is passed
