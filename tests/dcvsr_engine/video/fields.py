"""H.264 with a picture per field, which no encoder here writes: uncompressed macroblocks (I_PCM), by ITU-T H.264 §7.3."""

import re

SIZE = 32
"""Pixels across and down; a field is two macroblocks."""


def ue(value: int) -> str:
    """Unsigned Exp-Golomb code."""
    bits = f"{value + 1:b}"
    return "0" * (len(bits) - 1) + bits


def unit(kind: int, reference: int, bits: str, raw: bytes = b"") -> bytes:
    """A NAL unit of ``bits``; ``raw`` data are complete already."""
    if not raw:
        bits += "1"
        bits += "0" * (-len(bits) % 8)
        raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    return b"\0\0\0\1" + bytes([reference << 5 | kind]) + re.sub(b"\0\0(?=[\0-\3])", b"\0\0\3", raw)


def headers() -> bytes:
    """Sequence parameters (main profile, 25 frames a second of two fields) and picture parameters."""
    sizes = ue(0) + ue(0) + ue(0) + ue(4) + ue(1) + "0" + ue(1) + ue(0) + "0" + "0" + "1" + "0"
    timing = "1" + "0000" + "1" + f"{1:032b}{50:032b}" + "1" + "0000"
    pictures = ue(0) + ue(0) + "00" + ue(0) + ue(0) + ue(0) + "0" + "00" + ue(0) * 3 + "100"
    return unit(7, 3, f"{77:08b}{0:08b}{30:08b}" + sizes + timing) + unit(8, 3, pictures)


def field(number: int, bottom: bool, luma: int) -> bytes:
    """One field of frame ``number`` in one grey: the top one begins anew, the bottom one follows it."""
    bits = ue(0) + ue(7) + ue(0) + "0000" + "1" + str(int(bottom))
    bits += "" if bottom else ue(number % 2)
    bits += f"{int(bottom):08b}" + ("0" if bottom else "00") + ue(0) + ue(1)
    data = b""
    for _ in range(2):
        bits += ue(25)
        bits += "0" * (-len(bits) % 8)
        data += int(bits, 2).to_bytes(len(bits) // 8, "big") + bytes([luma]) * 256 + bytes([128]) * 128
        bits = ""
    return unit(1 if bottom else 5, 3, "", data + b"\x80")


def field_coded(frames: int) -> list[bytes]:
    """The packets of a stream: two fields per frame."""
    packets = [field(number, bottom, 40 + 8 * number) for number in range(frames) for bottom in (False, True)]
    return [headers() + packets[0], *packets[1:]]
