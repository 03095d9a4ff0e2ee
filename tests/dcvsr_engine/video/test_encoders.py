"""Codec and depth are decided once, and every codec's row says what its encoder is given."""

from pathlib import Path

import pytest
from clips import Clip, write_clip

from dcvsr_engine.errors import OutputError
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video import encoders
from dcvsr_engine.video.encoders import VIDEO_CODECS, codec_here, encoding_for, has_encoder, missing_codecs, resolved_output
from dcvsr_engine.video.probe import VideoInfo, probe


@pytest.fixture
def info(tmp_path: Path) -> VideoInfo:
    """Facts about a clip of 10 bits."""
    return probe(write_clip(tmp_path / "in.mkv", Clip(pts=range(2), codec="ffv1", pixel_format="yuv420p10le")))


def test_what_is_not_decided_is_a_programming_error(info: VideoInfo) -> None:
    for output in (OutputSettings(), OutputSettings(codec="h264"), OutputSettings(bit_depth=8)):
        with pytest.raises(ValueError, match="not decided"):
            encoding_for(info, 64, 48, output)


@pytest.mark.parametrize("key", VIDEO_CODECS)
def test_depth_is_the_input_s_where_the_codec_has_it(key: str, info: VideoInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "encodes", lambda encoder: True)  # as on a machine with every GPU
    codec = codec_here(key)
    target = Path("pictures" if not codec.containers else "out.mov" if key == "prores" else "out.mkv")
    resolved = resolved_output(target, info, OutputSettings(codec=key))  # type: ignore[arg-type]
    assert resolved.bit_depth == min((d for d in codec.depths if d >= 10), default=max(codec.depths))
    encoding = encoding_for(info, 128, 96, resolved)
    assert encoding.codec is codec and encoding.options == codec.options(resolved, encoding.color, encoding.siting, 128)
    assert resolved_output(target, info, resolved) == resolved


def test_frames_are_uploaded_for_va_api_alone(info: VideoInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [key for key, codec in VIDEO_CODECS.items() if encoders.upload_to(codec.encoder)] == ["h264_vaapi", "hevc_vaapi"]
    monkeypatch.setattr(encoders, "encodes", lambda encoder: True)
    resolved = resolved_output(Path("out.mp4"), info, OutputSettings(codec="hevc_vaapi", crf=0))
    encoding = encoding_for(info, 64, 48, resolved)
    assert (encoding.frame_format, encoding.pixel_format) == ("yuv420p10le", "p010le")
    assert encoding.options == {"rc_mode": "CQP", "qp": "1"}, "0 would leave the quantizer to the driver"


@pytest.fixture
def without_gpl(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg as in bundles without parts under the GPL."""
    monkeypatch.setattr(encoders, "has_encoder", lambda name: name not in ("libx264", "libx265"))


@pytest.mark.usefixtures("without_gpl")
def test_without_x264_and_x265_others_stand_in(info: VideoInfo) -> None:
    assert codec_here("h264").encoder == "libopenh264" and codec_here("av1") is VIDEO_CODECS["av1"]
    assert resolved_output(Path("out.mp4"), info, OutputSettings()).codec == "av1"
    assert resolved_output(Path("out.mov"), info, OutputSettings()).codec == "prores"
    h264 = resolved_output(Path("out.mp4"), info, OutputSettings(codec="h264", crf=20))
    assert h264.bit_depth == 8
    encoding = encoding_for(info, 64, 48, h264)
    assert encoding.pixel_format == "yuv420p" and encoding.options["qmin"] == encoding.options["qmax"] == "20"
    assert any("8 bits" in note for note in encoding.notes)
    with pytest.raises(OutputError, match="odd size 63×48; choose another codec"):
        encoding_for(info, 63, 48, h264)


@pytest.mark.skipif(not has_encoder("libx265"), reason="this FFmpeg has no parts under the GPL")
def test_the_missing_codecs_are_those_that_cannot_be_encoded() -> None:
    assert not {"h264", "h265", "av1", "ffv1", "prores", "png", "tiff"} & set(missing_codecs())


def test_auto_is_h265_for_10_bits_and_png_for_a_folder(info: VideoInfo) -> None:
    assert resolved_output(Path("out.mp4"), info, OutputSettings()).codec == "h265"
    assert resolved_output(Path("out.mp4"), info, OutputSettings(bit_depth=8)).codec == "h264"
    assert resolved_output(Path("out"), info, OutputSettings()).codec == "png"
