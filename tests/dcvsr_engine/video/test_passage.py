"""What was read of an input is told from what is there now, wherever reading began."""

from pathlib import Path

import av
import pytest
from clips import Clip, write_clip

from dcvsr_engine.video.passage import Passage, PassageLog, first_changed
from dcvsr_engine.video.reader import VideoReader


def taken(reader: VideoReader, *ranges: tuple[int, int]) -> list[Passage]:
    """Decode ranges of frames; returns what was read for each."""
    found = []
    for first, last in ranges:
        assert [frame.index for frame in reader.frames(first, last)] == list(range(first, last + 1))
        found.append(reader.taken())
    return found


@pytest.fixture
def path(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mkv", Clip(pts=range(40), options={"g": "8", "bf": "2"}))


def test_what_was_read_is_found_again(path):
    with VideoReader(path) as reader:
        passages = taken(reader, (0, 12), (13, 24), (30, 39))
        assert passages[0].start in (None, 0) and passages[2].start and all(passage.count for passage in passages)
    with VideoReader(path) as again:
        assert first_changed(again.parts, passages) is None


def test_the_first_change_is_named(path):
    with VideoReader(path) as reader:
        passages = taken(reader, (0, 12), (30, 39))
    for place in (0, 1):
        edited = list(passages)
        edited[place] = passages[place].replace(sha256="0" * 64)
        assert first_changed(reader.parts, edited) == place


def test_changed_sound_is_noticed(ffmpeg, tmp_path):
    path = ffmpeg("sound.mkv", "-c:v", "ffv1", "-c:a", "pcm_s16le", sound=True)
    with VideoReader(path) as reader:
        passages = taken(reader, (0, 11), (12, 23))
    with av.open(str(path)) as container:
        sound = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[data.index(sound[len(sound) * 3 // 4]) + 9] ^= 1
    path.write_bytes(data)
    with VideoReader(path) as now:
        assert first_changed(now.parts, passages) == 1


def test_a_file_that_ends_earlier_has_changed(path):
    with VideoReader(path) as reader:
        passages = taken(reader, (30, 39))
    shorter = write_clip(path.with_name("shorter.mkv"), Clip(pts=range(9), options={"g": "8", "bf": "2"}))
    with VideoReader(shorter) as now:
        assert first_changed(now.parts, passages) == 0


def test_parts_that_follow_each_other_are_read_once():
    log, calls = PassageLog(3), []
    passages = []
    for number in range(6):
        log.add(bytes([number]), "time")
        if number % 2:
            passages.append(log.take())

    def read(start):
        calls.append(start)
        yield from ((bytes([number]), "time") for number in range(6))

    assert [(passage.first, passage.count) for passage in passages] == [(0, 2), (2, 2), (4, 2)]
    assert first_changed(read, passages) is None and calls == [3]
    assert first_changed(read, passages[1:]) is None and calls == [3, 3]
