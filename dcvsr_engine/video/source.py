"""Opens inputs: a video file, one picture, a folder or a pattern of pictures."""

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import av
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from dcvsr_engine.errors import InputError
from dcvsr_engine.storage import describe_os_error
from dcvsr_engine.video.suffixes import PICTURE_SUFFIXES, natural_order

PLACEHOLDER = re.compile(r"%0?(\d*)d")

DEMUXERS = (
    "3dostr,4xm,apng,apv,argo_asf,av1,avi,avs,avs2,avs3,asf,bethsoftvid,bfi,bink,binka,brstm,c93,"
    "cavsvideo,cdxl,cine,dhav,dirac,dnxhd,dsicin,dv,dxa,ea,ea_cdata,evc,film_cpk,filmstrip,flic,flv,frm,"
    "gdv,gif,gxf,h261,h263,h264,hevc,hnm,hxvs,idcin,iff,ifv,image2,ingenient,ipmovie,ipu,iv8,ivf,ivr,"
    "jpegxl_anim,jv,lmlm4,lvf,lxf,m4v,matroska,mgsts,mjpeg,mjpeg_2000,mm,mods,moflex,mov,mpeg,mpegts,"
    "mpegvideo,msnwctcp,mtv,mv,mvi,mxf,nc,nsv,nut,nuv,obu,ogg,paf,pdv,pmp,psxstr,pva,r3d,rl2,rm,roq,"
    "rpl,sdr2,ser,sga,siff,smjpeg,smk,smush,thp,tiertexseq,tmv,ty,usm,vc1,vc1test,vidc,vividas,vivo,vmd,"
    "vvc,wc3movie,wsvqa,wtv,xmv,yop,yuv4mpegpipe,alias_pix,bmp_pipe,brender_pix,cri_pipe,dds_pipe,dpx_pipe,"
    "exr_pipe,gem_pipe,hdr_pipe,j2k_pipe,jpeg_pipe,jpegls_pipe,jpegxl_pipe,jpegxs_pipe,pam_pipe,pbm_pipe,"
    "pcx_pipe,pfm_pipe,pgm_pipe,pgmyuv_pipe,pgx_pipe,phm_pipe,photocd_pipe,pictor_pipe,png_pipe,ppm_pipe,"
    "psd_pipe,qdraw_pipe,qoi_pipe,sgi_pipe,sunrast_pipe,tiff_pipe,vbn_pipe,webp_pipe,xbm_pipe,xpm_pipe,xwd_pipe"
)
"""FFmpeg's readers of files that hold their own pictures. Left out are playlists (hls, dash, concat, sdp …), which open other
files by name, devices, and readers that draw text as pictures (tty, bin …)."""

PROBED_BYTES = 50 * 2**20
"""A track may begin this far into a file, and is still found when it is opened."""

SAFE = {
    "format_whitelist": DEMUXERS,
    "protocol_whitelist": "file",
    "pattern_type": "none",  # a picture that is really called “pat%03d.png” is no pattern
    "analyzeduration": "2147483647000000",
}


@contextlib.contextmanager
def opened(path: Path, whole: bool = False) -> Iterator[InputContainer]:
    """Open a file's container.

    Args:
        path: of a regular file; nothing else is opened, since a pipe would wait for ever.
        whole: whether to look for tracks in all of the file, instead of in its first `PROBED_BYTES`.

    Raises:
        InputError: there is no such file, it cannot be read, or it is not a video or picture.
    """
    size = readable_bytes(path)
    options = SAFE | {"probesize": str(max(size, PROBED_BYTES) if whole else PROBED_BYTES)}
    try:
        container = av.open(f"file:{path.absolute()}", "r", container_options=options, metadata_errors="replace")
    except av.EOFError:
        raise InputError(f"“{path}” holds no frames.") from None
    except (av.FFmpegError, ValueError, OSError) as error:
        if isinstance(error, av.ArgumentError):  # what FFmpeg raises for a format that is not among the demuxers
            raise InputError(f"“{path}” is no video that can be read; playlists, texts and audio files are not opened.") from None
        if isinstance(error, av.InvalidDataError):
            raise InputError(f"“{path}” is damaged or incomplete, or no video.") from None
        raise InputError(f"“{path}” is no video that can be read ({describe_os_error(error)}).") from None
    with container:
        yield container


def readable_bytes(path: Path) -> int:
    """Bytes of a regular file that can be read and is not empty; raises `InputError` for anything else, without opening it."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"“{path}” does not exist; check the name.") from None
    except (OSError, ValueError) as error:
        raise InputError(f"“{path}” cannot be read ({describe_os_error(error)}); check the name.") from None
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(f"“{path}” is not a regular file (a pipe, a device or a folder); choose a video file.")
    if not os.access(path, os.R_OK):
        raise InputError(f"“{path}” may not be read; check its permissions.")
    if facts.st_size == 0:
        raise InputError(f"“{path}” is empty.")
    return facts.st_size


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The main video track, cover pictures aside; raises `InputError` when there is none that can be restored."""
    tracks = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not tracks:
        raise InputError(f"“{path}” has no video track; choose a file with pictures in it.")
    moving = [s for s in tracks if not is_still_item(s)] or tracks
    return next((s for s in moving if s.disposition & Disposition.default), moving[0])


def is_still_item(stream: Stream) -> bool:
    """Whether a track is a single picture of an AVIF or HEIF file, which may have a moving one beside it."""
    return stream.type == "video" and stream.frames == 1 and not stream.duration


def is_tiled(container: InputContainer) -> bool:
    """Whether a picture comes as tiles, as in the HEIC files of telephones: every tile is a track of its own."""
    return any(stream.disposition & Disposition.dependent for stream in container.streams.video)


def pictures_of(path: Path) -> list[Path] | None:
    """The pictures of a folder, a ``*`` pattern or a ``%05d`` pattern, in natural order.

    Returns:
        ``None`` when ``path`` is a plain file.

    Raises:
        InputError: a folder or pattern has no pictures, or cannot be read.
    """
    try:
        found = pictures_at(path)
    except OSError as error:
        raise InputError(f"“{path}” cannot be read ({describe_os_error(error)}); check its permissions.") from None
    if found is not None and not found:
        raise InputError(f"“{path}” holds no pictures; choose a folder with PNG, JPEG, TIFF, WebP, EXR or DPX files.")
    return None if found is None else sorted(found, key=natural_order)


def pictures_at(path: Path) -> list[Path] | None:
    """The same, in any order and perhaps empty; raises `OSError`."""
    if path.is_dir():
        return [p for p in path.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".") and p.is_file()]
    if path.exists() or not (PLACEHOLDER.search(path.name) or "*" in path.name):
        return None
    if "*" in path.name:
        return [p for p in path.parent.glob(path.name) if p.is_file()]
    before, digits, after = re.split(PLACEHOLDER, path.name, maxsplit=1)
    wanted = re.compile(re.escape(before) + rf"\d{{{digits or 1},}}" + re.escape(after))
    return [p for p in path.parent.iterdir() if wanted.fullmatch(p.name) and p.is_file()] if path.parent.is_dir() else []
