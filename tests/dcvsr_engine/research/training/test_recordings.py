"""Recordings: what is found and held out, and crops of the right frames of the right place."""

import random
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from dcvsr_engine.errors import InputError
from dcvsr_engine.research.training.recordings import Recording, find_recordings, is_held_out_recording, recorded_clip

FRAMES, WIDTH, HEIGHT = 6, 64, 48


def picture(frame: int) -> np.ndarray:
    """Red says which frame it is, green the column and blue the row."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([np.full_like(x, 40 * frame), 3 * x, 5 * y], axis=-1).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of frames in REDS' naming."""
    clip = tmp_path / "train_sharp" / "004"
    clip.mkdir(parents=True)
    for frame in range(FRAMES):
        Image.fromarray(picture(frame)).save(clip / f"{frame:08}.png")
    return clip


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """The same as a lossless video file."""
    path = tmp_path / "walk.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "bgr0"
        for frame in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(frame), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def test_reds_is_split_into_266_and_4(tmp_path: Path) -> None:
    for part, count in (("train_sharp", 240), ("val_sharp", 30)):
        for number in range(count):
            clip = tmp_path / part / part / f"{number:03}"
            clip.mkdir(parents=True)
            (clip / "00000000.png").touch()
    clips = find_recordings([tmp_path])
    held_out = [path for path in clips if is_held_out_recording(path)]
    assert len(clips) == 270
    assert [path.parent.name + path.name for path in held_out] == [f"train_sharp{name}" for name in ("000", "011", "015", "020")]


def test_of_other_clips_about_one_in_twelve_is_held_out_by_its_name() -> None:
    held_out = [number for number in range(1200) if is_held_out_recording(Path(f"/films/holiday {number}.mp4"))]
    assert 70 < len(held_out) < 130
    assert all(is_held_out_recording(Path(f"/elsewhere/holiday {number}.mp4")) for number in held_out)


def test_videos_and_folders_of_frames_are_found(folder: Path, video: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert find_recordings([tmp_path]) == [folder, video]
    assert find_recordings([folder, video]) == [folder, video]
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no training videos"):
        find_recordings([tmp_path / "empty"])
    with pytest.raises(InputError, match="do not exist"):
        find_recordings([tmp_path / "nowhere"])


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_a_crop_is_consecutive_frames_of_one_place(kind: str, request: pytest.FixtureRequest) -> None:
    recording = Recording.open(request.getfixturevalue(kind), 3, 32)
    starts = set()
    for seed in range(12):
        crop = recording.crop(random.Random(seed), 3, 32) * 255
        frame, column, row = (round(float(value)) for value in crop[0, :, 0, 0] / torch.tensor([40, 3, 5]))
        expected = np.stack([picture(frame + i)[row : row + 32, column : column + 32] for i in range(3)])
        assert (crop - torch.from_numpy(expected).permute(0, 3, 1, 2)).abs().max() < 0.01
        starts.add(frame)
    assert starts == {0, 1, 2, 3}


def test_clips_are_mirrored_and_played_backwards_by_the_seed(folder: Path) -> None:
    recordings = [Recording.open(folder, 3, 32)]
    seen = set()
    for seed in range(16):
        clip = recorded_clip(random.Random(seed), recordings, 3, 32)
        assert torch.equal(clip, recorded_clip(random.Random(seed), recordings, 3, 32))
        seen.add((bool(clip[0, 0, 0, 0] > clip[1, 0, 0, 0]), bool(clip[0, 1, 0, 0] > clip[0, 1, 0, 1])))
    assert len(seen) == 4


def test_a_damaged_frame_repeats_the_one_before(folder: Path) -> None:
    recording = Recording.open(folder, FRAMES, 32)
    frames = [frame for frame in recording.reader.frames() if frame.index != 2]
    recording.reader.frames = lambda first, last: iter(frames)  # type: ignore[method-assign]
    crop = recording.crop(random.Random(0), FRAMES, 32)
    assert torch.equal(crop[2], crop[1]) and not torch.equal(crop[3], crop[2])


def test_what_is_too_short_or_too_small_is_named(folder: Path) -> None:
    for frames, size in ((7, 32), (3, 50)):
        with pytest.raises(InputError, match=rf"004” has 6 frames of 64×48; at least {frames} of {size}×{size}"):
            Recording.open(folder, frames, size)
