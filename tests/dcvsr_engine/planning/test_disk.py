"""What jobs write, and which disk is short of room."""

import shutil
from collections import namedtuple

from dcvsr_engine.planning import disk
from dcvsr_engine.planning.disk import STATES, disk_needs, most_bytes, most_per_pixel, tightest
from dcvsr_engine.settings import OutputSettings

Usage = namedtuple("Usage", "total used free")


def test_needs_on_one_disk_add_up(tmp_path, monkeypatch):
    disks = {"a": 1, "b": 2}
    free = {"a": 500, "b": 100}
    for name in disks:
        (tmp_path / name).mkdir()
    monkeypatch.setattr(disk, "disk_of", lambda path: disks[path.name])
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, free[path.name]))
    a, b = tmp_path / "a" / "not there yet", tmp_path / "b"
    assert tightest([(a, 300), (a, 100)]) == (400, 500)
    assert tightest([(a, 300), (b, 90)]) == (90, 100)
    assert tightest([(a, 600), (b, 90)]) == (600, 500)
    assert tightest([]) == (0, 0)


def test_what_a_job_has_written_already_is_not_needed_again(tmp_path):
    folder, target = tmp_path / "job", tmp_path / "out" / "clip.mkv"
    assert disk_needs(folder, target, 1000, 50) == [(folder, 1000 + STATES * 50), (target.parent, 1000)]
    folder.mkdir()
    (folder / "0.nut").write_bytes(bytes(400))
    assert disk_needs(folder, target, 1000, 50) == [(folder, 600 + STATES * 50), (target.parent, 1000)]
    (folder / "1.nut").write_bytes(bytes(5000))
    assert disk_needs(folder, target, 1000, 50)[0] == (folder, 0)


def test_lossless_files_are_expected_to_be_large():
    sizes = [most_per_pixel(OutputSettings(codec=codec)) for codec in ("h264", "prores", "ffv1")]
    assert sizes == sorted(sizes) and sizes[-1] == 3
    assert most_per_pixel(OutputSettings(codec="png", bit_depth=16)) == 6
    assert most_per_pixel(OutputSettings(codec="h265", crf=10)) == 2 * most_per_pixel(OutputSettings(codec="h265", crf=16))
    assert most_bytes(OutputSettings(codec="ffv1"), 10, (64, 48)) == 10 * 64 * 48 * 3
