"""Names of results that the user did not name."""

from itertools import islice
from pathlib import Path

import pytest

from dcvsr_engine.jobs.naming import names_for


@pytest.mark.parametrize(
    ("source", "codec", "names"),
    [
        ("clip.avi", "h264", ["clip_x4.mp4", "clip_x4_2.mp4", "clip_x4_3.mp4"]),
        ("clip.MKV", "auto", ["clip_x4.mkv", "clip_x4_2.mkv", "clip_x4_3.mkv"]),
        ("clip.mp4", "ffv1", ["clip_x4.mkv", "clip_x4_2.mkv", "clip_x4_3.mkv"]),
        ("clip.mp4", "prores", ["clip_x4.mov", "clip_x4_2.mov", "clip_x4_3.mov"]),
        ("clip.mp4", "png", ["clip_x4", "clip_x4_2", "clip_x4_3"]),
    ],
)
def test_results_lie_beside_the_clip(source, codec, names):
    found = list(islice(names_for(Path("/films") / source, "x4", codec), 3))
    assert found == [Path("/films") / name for name in names]


def test_a_folder_of_pictures_keeps_its_whole_name(tmp_path):
    folder = tmp_path / "holiday.2024"
    folder.mkdir()
    assert next(names_for(folder, "x2", "h264")) == tmp_path / "holiday.2024_x2.mp4"
