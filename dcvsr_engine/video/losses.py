"""Sentences on what an output does not keep of its source, the same before the work and after it."""

import re
from collections.abc import Sequence
from pathlib import Path

from dcvsr_engine.settings import OutputSettings
from dcvsr_engine.video.encoders import CONTAINER_FORMATS, Encoding, encoding_for
from dcvsr_engine.video.film import film_notes
from dcvsr_engine.video.probe import EXTRA_LOSSES, VideoInfo
from dcvsr_engine.video.tracks import Fate, TrackPlan, plan_tracks
from dcvsr_engine.video.writer import COARSE_CLOCK, mov_clock


def losses_ahead(
    target: Path, info: VideoInfo, width: int, height: int, output: OutputSettings, whole: bool = True
) -> tuple[str, ...]:
    """Predict, before any work, what the output will not keep of its source.

    Args:
        target: output file, or folder for pictures.
        info: of the source.
        width, height: of a restored frame, in pixels.
        output: as `check_target` gives it.
        whole: whether all frames are restored, not a range.

    Returns:
        Sentences for users.
    """
    encoding = encoding_for(info, width, height, output)
    kind = CONTAINER_FORMATS[target.suffix.lower()] if encoding.codec.containers else None
    return losses(info, encoding, output, kind, plan_tracks(info, kind, output) if kind else (), whole)


def losses(
    info: VideoInfo, encoding: Encoding, output: OutputSettings, kind: str | None, plans: Sequence[TrackPlan], whole: bool
) -> tuple[str, ...]:
    """What an output does not keep of its source.

    Args:
        info: of the source.
        encoding: of the output.
        output: as `check_target` gives it.
        kind: FFmpeg's name of the output's container, ``None`` for pictures in a folder.
        plans: for the source's other tracks.
        whole: whether all frames are restored, not a range.
    """
    first = info.pictures[0] if info.pictures else info.path
    colors = film_notes(first, info.codec, encoding.is_light)
    notes = [*source_notes(info), *colors, *encoding.notes, *extra_notes(info, encoding)]
    if kind is None:
        return (*notes, *picture_notes(info))
    return (*notes, *container_notes(kind, info, output), *track_notes(plans, kind, info, whole))


def extra_notes(info: VideoInfo, encoding: Encoding) -> list[str]:
    """Say what becomes of what frames hold beside their pixels."""
    notes = [EXTRA_LOSSES[key] for key in info.extras if not (key == "alpha" and encoding.alpha)]
    if encoding.alpha and "alpha" in info.extras:
        notes.append(
            "Transparency is kept: its channel is enlarged beside the picture, edges by the model's upsampler, what is smooth by "
            "bicubic interpolation."
        )
    elif info.alpha and "alpha" in info.extras:
        notes.append("PNG, TIFF, EXR and DPX pictures, ProRes in .mov and FFV1 in .mkv would keep the transparency.")
    return notes


def source_notes(info: VideoInfo) -> list[str]:
    """List in sentences what is odd about the source."""
    notes = []
    if info.clock:
        jumps = len(info.clock) - 1
        times = "once" if jumps == 1 else f"{jumps} times"
        notes.append(
            f"The clock of “{info.path.name}” jumps {times} on the way, as in recordings that were put together; picture and "
            "audio follow each other without a gap."
        )
    if info.missing_pictures:
        notes.append(gap_note(info))
    return notes


def gap_note(info: VideoInfo) -> str:
    """A sentence on the numbers that a picture sequence skips."""
    missing = info.missing_pictures
    named = ", ".join(map(str, missing[:5])) + (" and others" if len(missing) > 5 else "")
    return f"{len(missing)} numbers are missing among the pictures of “{info.path.name}” ({named}); they are not filled in."


def picture_notes(info: VideoInfo) -> list[str]:
    """What pictures cannot say about the video."""
    tracks = bool(info.audio or info.subtitles)
    return ["Audio and subtitles are left out: pictures have none; .mp4, .mov or .mkv do."] if tracks else []


def container_notes(kind: str, info: VideoInfo, output: OutputSettings) -> list[str]:
    """List in sentences what the container cannot store about the video.

    Args:
        kind: FFmpeg's name of the container.
        info: of the source.
        output: as `check_target` gives it.
    """
    notes = []
    # times in whole milliseconds are kept exactly
    if kind == "matroska" and info.variable_frame_rate and (1000 * info.time_base).denominator > 1:
        notes.append("Frame times are rounded to milliseconds: .mkv knows no finer ones, .mp4 and .mov do.")
    if kind != "matroska" and mov_clock(info, info.longest) != info.time_base.denominator:
        notes.append(
            f"Frame times are rounded to 1/{COARSE_CLOCK} s: in ticks of {info.time_base} s a frame is shown for longer than "
            ".mp4 and .mov can say."
        )
    if kind == "matroska" and output.codec == "prores" and info.sample_aspect_ratio != 1:
        notes.append(f"The pixel shape {info.sample_aspect_ratio} is lost: ProRes in .mkv does not say it, in .mov it does.")
    return notes


def track_notes(plans: Sequence[TrackPlan], kind: str, info: VideoInfo, whole: bool) -> list[str]:
    """Explain what becomes of the tracks that are not copied.

    Args:
        plans: of all tracks that are wanted.
        kind: FFmpeg's name of the container.
        info: the input.
        whole: whether its first frame is restored.
    """
    notes = [plan.note for plan in plans if plan.note]
    if not whole and any(plan.fate is Fate.REMAKE for plan in plans):
        notes.append("The timecode is left out: it is that of the first frame, which is not restored.")
    return notes + language_notes(info, plans, kind)


def language_notes(info: VideoInfo, plans: Sequence[TrackPlan], kind: str) -> list[str]:
    """Sentences on languages that the container cannot say: MP4 and MOV know three letters, and no region or script."""
    if kind == "matroska":
        return []
    kept = {plan.index for plan in plans if plan.fate in (Fate.COPY, Fate.CONVERT)}
    tracks = [track for track in (*info.audio, *info.subtitles) if track.index in kept]
    odd = [track.language for track in tracks if track.language and not re.fullmatch("[a-z]{3}", track.language)]
    return [f"The language “{language}” of a track is not stored; .mkv keeps it." for language in dict.fromkeys(odd)]
