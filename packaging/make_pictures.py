"""Makes the pictures of the guide (``resources/guide``) and the README's ``resources/pictures/sample.jpg``.

``python packaging/make_pictures.py``: restores the bundled sample clip with the built-in model, once per setting that a picture
shows. Run it again when the model changes.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dcvsr_engine.control import Control  # noqa: E402
from dcvsr_engine.events import Event, PreviewFrame  # noqa: E402
from dcvsr_engine.jobs.job import run_job  # noqa: E402
from dcvsr_engine.network.resample import upscale  # noqa: E402
from dcvsr_engine.planning.request import JobRequest  # noqa: E402
from dcvsr_engine.settings import RestoreSettings  # noqa: E402
from dcvsr_engine.video.arrays import to_uint8  # noqa: E402
from dcvsr_engine.video.reader import VideoReader  # noqa: E402

RESOURCES = ROOT / "resources"
GUIDE = RESOURCES / "guide"
SAMPLE = RESOURCES / "clips" / "sample.mp4"
FRAME = 6
ALL_FRAMES, FIRST_FRAMES, FEW_FRAMES = (0, 25), (0, 13), (4, 8)
DETAIL = 60, 20, 174, 127
"""Left, top, right, bottom of what is shown of a restored frame, twice as large."""
PART = 96, 60
"""Right and bottom of the clip's own frame, where sizes are compared."""
LINE = 2, "#808080"
"""Width and colour of what parts two pictures."""
QUALITY = 88
MULTIPLE = 8
"""Differences are shown so many times as large."""

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def restored(frames: tuple[int, int], **settings: object) -> PreviewFrame:
    """Frame `FRAME` of the sample clip, restored together with its neighbours; beside it what *Detail* at 0 would show."""
    shown: list[PreviewFrame] = []

    def keep(event: Event) -> None:
        if isinstance(event, PreviewFrame) and event.final and event.frame == FRAME:
            shown.append(event)

    request = JobRequest(source=SAMPLE, settings=RestoreSettings().replace(**settings), frames=frames)
    run_job(request, Control(keep, pictures=False))
    print(frames, settings, flush=True)
    return shown[0]


def bicubic(factor: int) -> Pixels:
    """Frame `FRAME` of the sample clip, enlarged bicubically."""
    with VideoReader(SAMPLE) as reader:
        small = torch.from_numpy(reader.frame(FRAME).pixels)
    return to_uint8(upscale(small.permute(2, 0, 1).unsqueeze(0), factor)[0].permute(1, 2, 0).numpy())


def mixed(frame: PreviewFrame, strength: float) -> Pixels:
    """A frame at another *Detail*, as the window mixes it."""
    assert frame.enlarged is not None
    return np.rint(frame.enlarged + strength * (frame.pixels.astype(np.float32) - frame.enlarged)).astype(np.uint8)


def difference(one: Pixels, other: Pixels) -> Pixels:
    """How two frames differ, as lighter and darker than grey."""
    shown: Pixels = np.clip(128 + MULTIPLE * (other.astype(np.int16) - one), 0, 255).astype(np.uint8)
    return shown


def side_by_side(name: str, *frames: Pixels) -> None:
    """Write the same detail of several frames as one picture of the guide."""
    parts = [Image.fromarray(frame).crop(DETAIL) for frame in frames]
    width, height = 2 * parts[0].width, 2 * parts[0].height
    gap, color = LINE
    picture = Image.new("RGB", (len(parts) * (width + gap) - gap, height), color)
    for number, part in enumerate(parts):
        picture.paste(part.resize((width, height), Image.Resampling.BICUBIC), (number * (width + gap), 0))
    picture.save(GUIDE / f"{name}.jpg", quality=QUALITY)


def main() -> None:
    """Restore, and write all pictures."""
    GUIDE.mkdir(parents=True, exist_ok=True)
    base = restored(FIRST_FRAMES)
    beside = np.concatenate([bicubic(4), base.pixels], axis=1)
    Image.fromarray(beside).save(RESOURCES / "pictures" / "sample.jpg", quality=92)
    side_by_side("detail", *(mixed(base, strength) for strength in (0, 0.5, 1)))
    for factor in (1, 2, 4):
        frame = base if factor == 4 else restored(FIRST_FRAMES, size=f"x{factor}")
        picture = Image.fromarray(frame.pixels).crop((0, 0, factor * PART[0], factor * PART[1]))
        picture.save(GUIDE / f"size-x{factor}.jpg", quality=QUALITY)
    side_by_side("steps", *(restored(FEW_FRAMES, steps=steps).pixels for steps in (1, 4, 12)))
    guided = {"steps": 4, "guidance": "dssag", "guidance_scale": 2.0}
    side_by_side("gamma", *(restored(FEW_FRAMES, gamma_peak=peak, **guided).pixels for peak in (0.0, 1.0, 8.0)))
    alone, together = (restored(ALL_FRAMES, steps=4, sap=on, tap=on).pixels for on in (False, True))
    side_by_side("propagation", alone, together, difference(alone, together))


if __name__ == "__main__":
    main()
