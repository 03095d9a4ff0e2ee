"""One segment from frames to frames: enlarge, encode, sample, decode, correct colours – with less memory where it runs out."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dcvsr_engine.control import Monitor
from dcvsr_engine.diffusion.attention import Inject
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import Sampler, SegmentState, Shared, clip_noise
from dcvsr_engine.events import FrameDone, Warned
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.oom import ShortageError, free_cache, in_parts
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.network.soundness import finite, sound
from dcvsr_engine.planning.memory import pixels_on_device
from dcvsr_engine.planning.plan import Segment, grid_for, padded
from dcvsr_engine.restore.color import correct
from dcvsr_engine.restore.frames import Footage
from dcvsr_engine.restore.recovery import thriftier
from dcvsr_engine.settings import Device, RestoreSettings

BLACK, VISIBLE = 4 / 255, 16 / 255
"""A frame turned black when its brightest pixel is below `BLACK` while the input's are above `VISIBLE` on average."""
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

Pixels = NDArray[np.float32]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Restored:
    """A finished frame.

    Attributes:
        place: its place in the segment's footage.
        pixels: RGB 0..1 ``(height, width, 3)``.
        error: luma of the frame minus that of the enlarged input ``(height, width)``.
    """

    place: int
    pixels: Pixels
    error: Pixels


class SegmentPipeline:
    """Restores one segment of a clip.

    Attributes:
        model, denoiser: the network.
        settings: fully resolved; they change when memory runs out.
        segment, footage: what is restored.
        control: progress, cancel and pause.
        chunk: frames encoded or decoded together; becomes smaller when memory runs out.
        suspicious: frames that half precision turned black or to no numbers, and that were decoded again.
        on_change: called when the settings have changed.
        offload: whether the U-Net leaves the device while frames are encoded and decoded.
        sampler: samples the segment; holds the time spent in the U-Net.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        settings: RestoreSettings,
        segment: Segment,
        footage: Footage,
        control: Monitor,
        chunk: int,
        on_change: Callable[[], None] = lambda: None,
        offload: bool = False,
    ) -> None:
        assert settings.scale is not None
        self.model: Model = denoiser.model
        self.denoiser, self.settings, self.segment, self.footage = denoiser, settings, segment, footage
        self.control, self.chunk, self.on_change, self.scale = control, chunk, on_change, settings.scale
        self.offload = offload
        self.suspicious: list[int] = []
        self.model.first_stage.check = partial(control.check, self.parked)
        self.sampler = self.new_sampler()

    def new_sampler(self) -> Sampler:
        """A sampler for the settings as they are."""
        settings, declaration = self.settings, self.model.declaration
        height, width = self.footage.pixels.shape[-2:]
        return Sampler(
            self.denoiser,
            settings,
            lambda step: grid_for(len(self.footage), width, height, declaration, settings, step),
            self.control,
            segment=self.segment.index,
            first_frame=self.segment.first,
            batch=settings.tile_batch,
            parked=self.parked,
        )

    # -- pixels -------------------------------------------------------------------------------------------------

    @property
    def pixel_device(self) -> Device:
        """Where whole frames are worked on."""
        return self.model.device if pixels_on_device(self.model.declaration, self.model.device) else "cpu"

    def enlarged(self, frames: list[int]) -> Tensor:
        """``I_up`` of some frames where pixels are worked on, padded for the U-Net: ``(frames, 3, height, width)``."""
        up = upscale(self.footage.pixels[frames].to(self.pixel_device), self.scale)
        unit = self.model.declaration.factor * self.model.declaration.multiple
        height, width = up.shape[-2:]
        return pad(up, padded(height, unit) - height, padded(width, unit) - width)

    def cropped(self, frames: Tensor) -> Tensor:
        """``frames`` without the padding."""
        height, width = self.footage.pixels.shape[-2:]
        return frames[..., : height * self.scale, : width * self.scale]

    def chunks(self, work: Callable[[list[int]], Result]) -> Iterator[tuple[list[int], Result]]:
        """The segment's frames and what ``work`` makes of them, `chunk` at a time, or fewer when memory runs out."""
        if self.offload:
            self.make_room()
        waiting = list(range(len(self.footage)))
        while waiting:
            self.control.check(self.parked)
            frames, waiting = waiting[: self.chunk], waiting[self.chunk :]
            yield from in_parts(work, frames, self.shorten, last_resort=self.make_room)
            self.control.emit(FrameDone(len(self.footage) - len(waiting), len(self.footage)))

    # -- the three phases ---------------------------------------------------------------------------------------

    def encode(self) -> Tensor:
        """The condition ``l`` ``(frames, channels, height, width)``; CLIP, where the model has it, sees the first frame."""
        if self.model.image_encoder is not None:
            self.denoiser.embedding = self.model.image_encoder.embed(upscale(self.footage.pixels[:1], self.scale)[0])
        return torch.cat([condition for _, condition in self.chunks(self.encode_frames)])

    def encode_frames(self, frames: list[int]) -> Tensor:
        """The condition of some frames."""
        up = self.enlarged(frames)
        encode = self.model.first_stage.encode_condition
        return sound(self.model, lambda: encode(up), self.place_of(frames), warn=self.warn).cpu()

    def noise(self) -> Tensor:
        """Unit noise ``(frames, channels, height, width)`` of the segment's frames."""
        grid, share = self.sampler.grid_at(0), self.model.declaration.noise_share
        shape = self.model.first_stage.latent_channels, grid.height, grid.width
        return torch.cat([clip_noise(self.settings.seed, index, 1, shape, share) for index in self.footage.indices])

    def sample(
        self,
        condition: Tensor,
        state: SegmentState | None = None,
        before: Tensor | None = None,
        after_step: Callable[[SegmentState, Tensor], None] = lambda state, denoised: None,
    ) -> Tensor:
        """``x_0`` from ``state`` (or from noise); ``before`` is the previous segment's ``x_0`` of the shared frames.

        Raises:
            JobError: memory does not suffice, whatever is tried, or the network gives no usable numbers.
        """
        noise = self.noise()
        shared = None if before is None else Shared(before, noise)
        latest = state or SegmentState(noise * self.model.declaration.sigma_max)

        def remember(new: SegmentState, denoised: Tensor) -> None:
            nonlocal latest
            latest = new
            after_step(new, denoised)

        self.model.unet.to(self.model.device)
        if latest.bank is not None:
            Inject(latest.bank).move(self.model.device)
        while True:
            try:
                return self.sampler.run(latest, condition, shared, remember)
            except ShortageError:
                pass  # measures are taken below, when what the failed step held is free
            self.save_memory(self.sampler.schedule[latest.step].kind)

    def decode(self, latents: Tensor, skip: int = 0) -> Iterator[Restored]:
        """Restored frames one by one, without the first ``skip``."""
        for frames, (decoded, errors) in self.chunks(partial(self.decode_frames, latents)):
            for place, frame, error in zip(frames, decoded, errors, strict=True):
                if place >= skip:
                    yield Restored(place, frame.permute(1, 2, 0).numpy(), error.numpy())

    def decode_frames(self, latents: Tensor, frames: list[int]) -> tuple[Tensor, Tensor]:
        """Some frames and the error of their luma: RGB 0..1 ``(frames, 3, height, width)`` and ``(frames, height, width)``.

        Raises `JobError` when they come out damaged.
        """
        up = self.enlarged(frames)

        def again(sentence: str) -> None:
            self.suspicious += [self.footage.indices[place] for place in frames]
            self.warn(sentence)

        work = partial(self.refined, latents, frames, up)
        pixels = sound(self.model, work, self.place_of(frames), lambda pixels: self.plausible(pixels, frames), again)
        error = ((pixels - self.cropped(up)) * LUMA.to(up)).sum(1)
        return pixels.cpu(), error.cpu()

    def picture(self, latents: Tensor, frames: list[int]) -> Tensor:
        """Some frames as `decode_frames` gives them, whatever they look like."""
        return self.refined(latents, frames, self.enlarged(frames)).cpu()

    def refined(self, latents: Tensor, frames: list[int], up: Tensor) -> Tensor:
        """Some frames, decoded together, cropped and colour-corrected; ``up`` are the same ones `enlarged`."""
        decoded = self.model.first_stage.decode(latents[frames].to(up.device), up)
        return correct(self.cropped(decoded), self.cropped(up), self.settings.color)

    def plausible(self, pixels: Tensor, frames: list[int]) -> bool:
        """Whether restored frames are numbers and none of them has turned black."""
        black = (pixels.amax((1, 2, 3)).cpu() < BLACK) & (self.footage.pixels[frames].mean((1, 2, 3)) > VISIBLE)
        return finite(pixels) and not bool(black.any())

    # -- what is said and done when memory runs out --------------------------------------------------------------

    def shorten(self, chunk: int) -> None:
        """Go on with fewer frames at once."""
        self.chunk = chunk
        self.warn(f"Memory ran out: frames are encoded and decoded {chunk} at a time from here on, which may show a little.")
        self.on_change()

    def make_room(self) -> None:
        """Take the U-Net off the device until it is needed again."""
        self.model.unet.to("cpu")
        free_cache()

    @property
    def fitting_settings(self) -> RestoreSettings:
        """The settings with as many tiles in a batch as have been found to fit."""
        return self.settings.replace(tile_batch=self.sampler.batch)

    def save_memory(self, kind: str) -> None:
        """Take the next measure after a step of a ``kind`` ran out of memory; raises `JobError` when none is left."""
        if self.denoiser.together and self.settings.guidance not in ("none", "sag") and self.settings.guidance_scale != 1:
            self.denoiser.together = False
            self.warn("Memory ran out: the estimates that guidance compares are computed one after the other from here on.")
            return
        seconds = self.sampler.seconds
        self.settings, sentence = thriftier(self.fitting_settings, kind, self.model.declaration.multiple)
        self.sampler = self.new_sampler()
        self.sampler.seconds = seconds
        self.warn(sentence)
        self.on_change()

    @contextmanager
    def parked(self) -> Iterator[None]:
        """Free the device's memory for a pause."""
        self.denoiser.propagation.move("cpu")
        self.model.move("cpu")
        yield
        self.model.move(self.model.device)
        self.denoiser.propagation.move(self.model.device)

    def warn(self, sentence: str) -> None:
        """Tell the person."""
        self.control.emit(Warned(sentence))

    def place_of(self, frames: list[int]) -> str:
        """Some frames in words."""
        first, last = self.footage.indices[frames[0]], self.footage.indices[frames[-1]]
        return f"Frame {first}" if first == last else f"One of frames {first} to {last}"


def pad(frames: Tensor, bottom: int, right: int) -> Tensor:
    """Pad below and to the right by reflection, by repetition where the picture is too small for that."""
    height, width = frames.shape[-2:]
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(frames, (0, right, 0, bottom), mode=mode) if bottom or right else frames
