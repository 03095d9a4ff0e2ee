"""Sound is kept, copied or converted, in time with the picture; a track that cannot be kept is named, and spoils nothing."""

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from clips import TRACKS, Clip, write_clip

from dcvsr_engine.jobs.naming import names_for
from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video import mux
from dcvsr_engine.video.losses import losses_ahead
from dcvsr_engine.video.probe import probe
from dcvsr_engine.video.tracks import Fate, container_fit, losses_of_clip
from dcvsr_engine.video.writer import check_target

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "2")
MJPEG = ("-c:v", "mjpeg", "-q:v", "2")
OLD = {
    "wma.wmv": (("-c:v", "wmv2", "-q:v", "2", "-c:a", "wmav2"), "aac"),
    "wma1.avi": ((*MJPEG, "-c:a", "wmav1"), "aac"),
    "u8.avi": ((*MJPEG, "-c:a", "pcm_u8", "-ar", "11025"), "flac"),
    "pcm.avi": ((*MJPEG, "-c:a", "pcm_s16le"), "flac"),
    "deep.mov": ((*MJPEG, "-c:a", "pcm_s24le"), "flac"),
    "adpcm.avi": ((*MJPEG, "-c:a", "adpcm_ms", "-ar", "22050", "-ac", "1"), "flac"),
    "ima.mov": ((*MJPEG, "-c:a", "adpcm_ima_qt"), "flac"),
    "law.mov": ((*MJPEG, "-c:a", "pcm_mulaw", "-ar", "8000"), "flac"),
    "lpcm.vob": ((*MPEG2, "-c:a", "pcm_s16be", "-f", "vob"), "flac"),
    "mp2.mpg": ((*MPEG2, "-c:a", "mp2"), None),
    "speech.flv": (("-c:v", "flv1", "-q:v", "2", "-c:a", "nellymoser", "-ar", "22050", "-ac", "1"), "aac"),
    "vorbis.ogv": (("-c:v", "libtheora", "-q:v", "9", "-c:a", "libvorbis"), None),
    "dts.mkv": ((*MPEG2, "-strict", "-2", "-c:a", "dca"), None),
    "true.mkv": ((*MPEG2, "-strict", "-2", "-c:a", "truehd"), "flac"),
    "pack.mkv": ((*MPEG2, "-c:a", "wavpack"), "flac"),
    "odd.mkv": ((*MPEG2, "-c:a", "flac", "-ar", "37800"), None),
}
"""Name → ffmpeg's options, and what the sound becomes in MP4 (``None``: it is copied)."""

ONSET = "sine=f=440:r=48000,volume=0:enable='lt(t,0.4)'"


def old_clip(ffmpeg: Any, name: str) -> Path:
    """A second of video with a tone that begins at 0.4 s."""
    path = ffmpeg.folder / name
    pattern = "smptebars=s=64x48:r=25"
    ffmpeg.run("-f", "lavfi", "-i", pattern, "-f", "lavfi", "-i", ONSET, "-t", "1", *OLD[name][0], str(path))
    return path


def onset(path: Path, ffprobe: Any) -> float:
    """Seconds from the first frame to the beginning of the tone, as ffmpeg decodes it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:a:0", "-af", "aresample=48000:async=1:first_pts=0"]
    done = subprocess.run([*command, "-ac", "1", "-f", "f32le", "-"], capture_output=True, check=True)
    heard = np.flatnonzero(np.abs(np.frombuffer(done.stdout, "<f4")) > 0.02)
    assert len(heard) > 20000, "the tone lasts 0.6 s"
    facts = ffprobe(path)
    times = [frame["best_effort_timestamp_time"] for frame in facts.frames if "best_effort_timestamp_time" in frame]
    start = min(map(float, times))
    return heard[0] / 48000 - (start - float(facts.format["start_time"]))


@pytest.mark.parametrize("name", OLD)
def test_sound_of_old_formats_is_kept_in_time(name: str, ffmpeg: Any, ffprobe: Any, restore: Any, tmp_path: Path) -> None:
    source = old_clip(ffmpeg, name)
    published = restore(source, tmp_path / "out.mp4")
    facts, [sound] = ffprobe(tmp_path / "out.mp4"), ffprobe(tmp_path / "out.mp4").of("audio")
    codec = OLD[name][1] or ffprobe(source).of("audio")[0]["codec_name"]
    assert sound["codec_name"] == codec or (codec, sound["codec_name"]) == ("mp2", "mp3")  # ffprobe 5 calls MP4's so
    assert [note.partition(" is ")[2] for note in published.notes if "audio" in note] == (
        [] if OLD[name][1] is None else ["converted to AAC."] if OLD[name][1] == "aac" else ["converted to FLAC, without loss."]
    )
    assert onset(tmp_path / "out.mp4", ffprobe) == pytest.approx(onset(source, ffprobe), abs=0.03)
    assert float(facts.format["start_time"]) == pytest.approx(0, abs=0.001)


def default_suffix(source: Path, output: OutputSettings) -> str:
    """The suffix of a result that nobody named."""
    return next(names_for(source, "x2", output.codec, losses_of_clip(source, output))).suffix


@pytest.mark.parametrize(("name", "suffix"), [("u8.avi", ".mkv"), ("mp2.mpg", ".mp4"), ("wma.wmv", ".mp4"), ("law.mov", ".mov")])
def test_the_default_container_follows_the_tracks(name: str, suffix: str, ffmpeg: Any) -> None:
    assert default_suffix(old_clip(ffmpeg, name), OutputSettings()) == suffix


def test_the_default_container_follows_subtitles_and_the_codec(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "tracks.mkv", TRACKS)
    named = source.rename(tmp_path / "tracks.ts")
    assert default_suffix(named, OutputSettings()) == ".mkv"
    assert default_suffix(named, OutputSettings(codec="prores")) == ".mkv"
    assert default_suffix(write_clip(tmp_path / "a.mov"), OutputSettings(codec="ffv1")) == ".mkv"
    assert default_suffix(write_clip(tmp_path / "a.avi", Clip(codec="ffv1")), OutputSettings()) == ".mp4"
    assert default_suffix(write_clip(tmp_path / "a.mp4"), OutputSettings(codec="prores")) == ".mov"


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_text_subtitles_are_converted_with_their_times_and_names(suffix: str, ffprobe: Any, restore: Any, tmp_path: Path) -> None:
    lines = ((0.2, 0.6, "Hello"), (1.0, 1.5, "Zwei\nZeilen"))
    source = write_clip(tmp_path / "in.mkv", replace(TRACKS, subtitles=lines))
    [note] = restore(source, tmp_path / f"out{suffix}").notes
    assert note.startswith("The subtitle track") and note.endswith("is converted to mov_text.")
    [track] = ffprobe(tmp_path / f"out{suffix}").of("subtitle")
    assert (
        track["codec_name"] == "mov_text" and track["tags"]["language"] == ffprobe(source).of("subtitle")[0]["tags"]["language"]
    )
    assert cues(tmp_path / f"out{suffix}") == [(0.2, b"Hello"), (1.0, b"Zwei\nZeilen")]
    restore(source, tmp_path / f"part{suffix}", frames=(20, 49))
    assert [text for _, text in cues(tmp_path / f"part{suffix}")] == [b"Zwei\nZeilen"]


def cues(path: Path) -> list[tuple[float, bytes]]:
    """Seconds and text of the subtitles of an MP4 or MOV file."""
    with av.open(str(path)) as container:
        found = [packet for packet in container.demux(container.streams.subtitles[0]) if packet.size > 2]
        return [(round(float(packet.pts * packet.time_base), 2), bytes(packet)[2:].rstrip(b"\0")) for packet in found]


def test_the_default_container_may_be_the_one_that_takes_everything(ffmpeg: Any) -> None:
    assert default_suffix(old_clip(ffmpeg, "wma.wmv"), OutputSettings(unfit_tracks="mkv")) == ".mkv"
    assert default_suffix(old_clip(ffmpeg, "law.mov"), OutputSettings(unfit_tracks="mkv")) == ".mov"


def test_each_container_says_which_tracks_do_not_fit(ffmpeg: Any) -> None:
    old = probe(old_clip(ffmpeg, "u8.avi"))
    fit = container_fit(old, OutputSettings())
    assert fit.losses == {".mp4": 2, ".mkv": 0, ".mov": 0} and fit.unfit[".mkv"] == fit.unfit[".mov"] == []
    [sentence] = fit.unfit[".mp4"]
    assert sentence.startswith("The audio track") and "converted to FLAC" in sentence
    dropping = container_fit(old, OutputSettings(unfit_tracks="drop"))
    assert dropping.losses == {".mp4": 10, ".mkv": 0, ".mov": 0} and dropping.unfit == fit.unfit
    assert container_fit(old, OutputSettings(audio=False)).unfit[".mp4"] == []
    modern = ffmpeg("modern.mp4", "-c:v", "libx264", "-c:a", "aac", sound=True)
    assert not any(container_fit(probe(modern), OutputSettings()).unfit.values())


def test_a_track_that_no_container_takes_does_not_ask_for_a_choice(ffmpeg: Any) -> None:
    camera = ffmpeg("in.mov", "-c:v", "libx264", "-c:a", "aac", "-timecode", "10:00:00:00", sound=True)
    assert not any(container_fit(probe(camera), OutputSettings()).unfit.values())


@pytest.mark.parametrize("suffix", [".mov", ".mp4", ".mkv"])
def test_a_timecode_is_made_anew(suffix: str, ffmpeg: Any, ffprobe: Any, restore: Any, tmp_path: Path) -> None:
    source = ffmpeg("in.mov", "-c:v", "libx264", "-c:a", "aac", "-timecode", "10:00:00:00", sound=True)
    target = tmp_path / f"out{suffix}"
    assert restore(source, target).notes == ()
    streams = ffprobe(target).streams
    found = {stream["tags"].get("timecode") or stream["tags"].get("TIMECODE") for stream in streams if "tags" in stream}
    assert "10:00:00:00" in found and len(ffprobe(target).of("audio")) == 1
    notes = restore(source, tmp_path / f"part{suffix}", frames=(5, 9)).notes
    assert [("timecode is left out" in note) for note in notes] == [True]


def test_a_data_track_is_left_out_with_a_note(ffmpeg: Any, ffprobe: Any, restore: Any, tmp_path: Path) -> None:
    made = ffmpeg("made.ts", *MPEG2, "-c:a", "mp2", sound=True)
    (tmp_path / "data.bin").write_bytes(b"\6\x0e\x2b\x34" * 60)
    ffmpeg.run(
        *("-i", str(made), "-f", "data", "-i", str(tmp_path / "data.bin"), "-map", "0", "-map", "1", "-c", "copy"),
        str(tmp_path / "in.ts"),
    )
    source, target = tmp_path / "in.ts", tmp_path / "out.mp4"
    info = probe(source)
    ahead = losses_ahead(target, info, 64, 48, check_target(target, info, OutputSettings()))
    assert restore(source, target).notes == ahead and any("data track 2" in note for note in ahead)
    assert [stream["codec_type"] for stream in ffprobe(target).streams] == ["video", "audio"]


class Refusal:
    """A container that refuses some packets, as muxers do after hours of work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
        muxing = mux.Muxer._mux

        def refusing(muxer: Any, out: Any, packet: Any, indices: dict[int, int]) -> None:
            if packet.stream.type == kind:
                raise mux.TrackError(indices.get(packet.stream_index), "invalid argument")
            muxing(muxer, out, packet, indices)

        monkeypatch.setattr(mux.Muxer, "_mux", refusing)


@pytest.mark.parametrize("kind", ["subtitle", "audio"])
def test_a_track_that_fails_at_last_costs_no_frames(
    kind: str, ffprobe: Any, restore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_clip(tmp_path / "tracks.mkv", TRACKS)
    Refusal(monkeypatch, kind)
    published = restore(source, tmp_path / "out.mkv")
    facts = ffprobe(tmp_path / "out.mkv")
    assert published.frames == len(facts.frames) == 50 and facts.of(kind) == []
    assert {"audio": 2, "subtitle": 1}[kind] == len([note for note in published.notes if "cannot be copied" in note])
    assert len(facts.of({"audio": "subtitle", "subtitle": "audio"}[kind])) > 0


def test_a_trailer_that_fails_costs_no_frames(
    ffprobe: Any, restore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_clip(tmp_path / "tracks.mkv", TRACKS)
    writing = mux.Muxer._write

    def failing(muxer: Any, plans: Any) -> Any:
        if any(plan.fate is Fate.COPY and plan.index == 3 for plan in plans):
            raise mux.TrackError(None, "invalid argument")
        return writing(muxer, plans)

    monkeypatch.setattr(mux.Muxer, "_write", failing)
    published = restore(source, tmp_path / "out.mkv")
    facts = ffprobe(tmp_path / "out.mkv")
    assert published.frames == len(facts.frames) == 50 and len(facts.of("audio")) == 2 and facts.of("subtitle") == []


STARTS = {
    "clock20h.ts": (*MPEG2, "-bf", "2", "-c:a", "mp2", "-output_ts_offset", "72000", "-muxpreload", "0", "-muxdelay", "0"),
    "early.mkv": (*MPEG2, "-c:a", "ac3", "-output_ts_offset", "5"),
    "late.mp4": ("-c:v", "libx264", "-c:a", "aac", "-output_ts_offset", "3"),
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("name", STARTS)
def test_results_begin_at_zero(name: str, suffix: str, ffmpeg: Any, ffprobe: Any, restore: Any, tmp_path: Path) -> None:
    source = tmp_path / name
    video, audio = ("-itsoffset", "0.2", "-f", "lavfi", "-i", "smptebars=s=64x48:r=25"), ("-f", "lavfi", "-i", "sine=r=48000")
    ffmpeg.run(*video, *audio, "-t", "1", *STARTS[name], str(source))
    restore(source, tmp_path / f"out{suffix}")
    before, after = ffprobe(source), ffprobe(tmp_path / f"out{suffix}")
    assert float(after.format["start_time"]) == pytest.approx(0, abs=0.0015)
    assert float(after.format["duration"]) < 1.5

    def lead(facts: Any) -> float:
        return float(facts.video["start_time"]) - float(facts.of("audio")[0]["start_time"])

    assert lead(after) == pytest.approx(lead(before), abs=0.002) and lead(before) > 0.02


@pytest.mark.parametrize("name", ["joined.vob", "joined.ts"])
def test_sound_and_picture_of_joined_recordings_stay_together(
    name: str, ffmpeg: Any, ffprobe: Any, restore: Any, tmp_path: Path
) -> None:
    kind = "vob" if name.endswith("vob") else "mpegts"
    data = b""
    for number in range(2):
        path = tmp_path / f"{number}-{name}"
        pattern = "smptebars=s=64x48:r=25"
        options = (*MPEG2, "-bf", "2", "-c:a", "ac3", "-f", kind)
        ffmpeg.run("-f", "lavfi", "-i", pattern, "-f", "lavfi", "-i", ONSET, "-t", "0.96", *options, str(path))
        data += path.read_bytes()
    (tmp_path / name).write_bytes(data)
    published = restore(tmp_path / name, tmp_path / "out.mp4")
    assert published.frames == 48 and any("jumps once" in note for note in published.notes)
    facts = ffprobe(tmp_path / "out.mp4")
    assert float(facts.format["duration"]) == pytest.approx(1.92, abs=0.05)
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "out.mp4"), "-af", "aresample=48000:async=1:first_pts=0"]
    done = subprocess.run([*command, "-ac", "1", "-f", "f32le", "-"], capture_output=True, check=True)
    loud = np.abs(np.frombuffer(done.stdout, "<f4")) > 0.02
    starts = [n / 48000 for n in np.flatnonzero(loud) if not loud[max(0, n - 4800) : n].any()]
    assert starts == pytest.approx([0.4, 1.36], abs=0.04)


def test_languages_with_a_region_are_named(ffmpeg: Any, restore: Any, tmp_path: Path) -> None:
    source = ffmpeg("in.mkv", "-c:v", "libx264", "-c:a", "aac", "-metadata:s:a:0", "language=pt-BR", sound=True)
    assert probe(source).audio[0].language == "pt-BR"
    assert any("pt-BR" in note for note in restore(source, tmp_path / "out.mp4").notes)
    assert restore(source, tmp_path / "out.mkv").notes == ()
    assert probe(tmp_path / "out.mkv").audio[0].language == "pt-BR"


def test_true_audio_is_converted_for_matroska(ffmpeg: Any) -> None:
    """A copy of less than one of its frames, 1.04 s, does not decode."""
    path = ffmpeg.folder / "short.mkv"
    ffmpeg.run(
        "-f", "lavfi", "-i", "smptebars=s=64x48:r=25", "-f", "lavfi", "-i", "sine", "-t", "0.24", *MPEG2, "-c:a", "tta", path
    )
    target, info = Path("out.mkv"), probe(path)
    ahead = losses_ahead(target, info, 64, 48, check_target(target, info, OutputSettings()))
    assert any("is converted to FLAC" in note for note in ahead)
