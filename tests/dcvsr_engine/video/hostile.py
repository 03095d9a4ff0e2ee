"""Corrupted and hostile files: seeded damage to good clips, and files that lie from the start."""

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from clips import TRACKS, Clip, write_clip

GOOD = {
    "h264.mp4": Clip(pts=range(12)),
    "front.mp4": Clip(pts=range(12), container_options={"movflags": "faststart"}),
    "tracks.mkv": TRACKS,
    "hevc.mkv": Clip(pts=range(8), codec="libx265", options={"x265-params": "log-level=none"}),
    "mpeg2.ts": Clip(pts=range(12), codec="mpeg2video", interlaced=True),
    "ffv1.avi": Clip(pts=range(6), codec="ffv1"),
    "vp9.webm": Clip(pts=range(8), codec="libvpx-vp9"),
    "av1.mp4": Clip(pts=range(8), codec="libsvtav1", options={"preset": "10"}),
    "prores.mov": Clip(pts=range(4), codec="prores_ks", pixel_format="yuv422p10le"),
    "video.flv": Clip(pts=range(12)),
}


def flipped(data: bytearray, dice: random.Random) -> bytearray:
    """Single bits, anywhere."""
    for _ in range(dice.choice((1, 4, 32, 256))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return data


def head_flipped(data: bytearray, dice: random.Random) -> bytearray:
    """Bytes of the header."""
    for _ in range(dice.choice((1, 3, 10))):
        data[dice.randrange(min(len(data), 600))] = dice.randrange(256)
    return data


def tail_flipped(data: bytearray, dice: random.Random) -> bytearray:
    """Bytes at the end, where MP4 keeps its index."""
    for _ in range(dice.choice((1, 3, 10))):
        data[-1 - dice.randrange(min(len(data), 900))] = dice.randrange(256)
    return data


def cut_off(data: bytearray, dice: random.Random) -> bytearray:
    """An end that is missing."""
    return data[: dice.randrange(1, len(data))]


def beheaded(data: bytearray, dice: random.Random) -> bytearray:
    """A beginning that is missing."""
    return data[dice.randrange(1, len(data) // 2) :]


def zeroed(data: bytearray, dice: random.Random) -> bytearray:
    """A stretch of zeros, as downloads leave it."""
    begin = dice.randrange(len(data))
    data[begin : begin + len(data) // 4] = bytes(len(data[begin : begin + len(data) // 4]))
    return data


def huge_numbers(data: bytearray, dice: random.Random) -> bytearray:
    """Absurd sizes and counts."""
    for _ in range(dice.choice((1, 3, 8))):
        place = dice.randrange(max(1, len(data) - 4))
        data[place : place + 4] = dice.choice(
            (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00\x00\x00")
        )
    return data


def shuffled(data: bytearray, dice: random.Random) -> bytearray:
    """Blocks in another order."""
    size = max(64, len(data) // 16)
    blocks = [data[begin : begin + size] for begin in range(0, len(data), size)]
    first, *rest = blocks
    dice.shuffle(rest)
    return bytearray(b"".join((first, *rest)))


DAMAGE: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    flipped,
    head_flipped,
    tail_flipped,
    cut_off,
    beheaded,
    zeroed,
    huge_numbers,
    shuffled,
)


def png_bomb(width: int, height: int) -> bytes:
    """A PNG that claims a size it has no data for."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


LIES = {
    "text.mp4": b"This is not a video.\n" * 40,
    "empty.mp4": b"",
    "zeros.mkv": bytes(100_000),
    "playlist.mp4": b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:10,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n",
    "concat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "bomb.png": png_bomb(60000, 60000),
    "wide.png": png_bomb(2**31 - 1, 1),
    "sdp.mp4": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "subtitles.mkv": b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n",
    "wave.mp4": struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36, b"WAVE", b"fmt ", 16, 1, 1, 48000, 96000, 2, 16, b"data", 0),
    "webp.webp": b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\xff\xff\xff\xff\xff\xffANIM",
}


def good_clips(folder: Path) -> list[Path]:
    """The clips to damage."""
    return [write_clip(folder / name, clip) for name, clip in GOOD.items()]


def hostile_file(good: list[Path], folder: Path, seed: int) -> Path:
    """The ``seed``-th hostile file, in ``folder``; the first ones are `LIES`."""
    lies = list(LIES.items())
    if seed < len(lies):
        path = folder / lies[seed][0]
        path.write_bytes(lies[seed][1])
        return path
    dice = random.Random(seed)
    clip = good[seed % len(good)]
    damage = DAMAGE[seed // len(good) % len(DAMAGE)]
    path = folder / f"{seed} {damage.__name__} {clip.name}"
    path.write_bytes(damage(bytearray(clip.read_bytes()), dice))
    return path
