"""One segment from frames to frames: enlarge, encode, sample, decode, correct colours."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from dcvsr_engine.control import Control, FrameDone
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.sampler import Sampler, SegmentState, Shared, clip_noise
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.resample import upscale
from dcvsr_engine.restore.color import correct
from dcvsr_engine.restore.plan import Segment, grid_for, padded
from dcvsr_engine.settings import RestoreSettings

CHUNK = 14
"""Frames encoded or decoded together: the temporal decoder's window."""

Pixels = NDArray[np.float32]


class SegmentPipeline:
    """Restores one segment of a clip.

    Attributes:
        frames: LR frames RGB 0..1 ``(frames, 3, height, width)``.
        settings: fully resolved.
        denoiser: the network.
        sampler: samples it; holds the time spent in the U-Net.
    """

    def __init__(
        self, model: Model, denoiser: Denoiser, settings: RestoreSettings, segment: Segment, frames: Tensor, control: Control
    ) -> None:
        assert settings.scale is not None and settings.tile_batch > 0
        self.model, self.denoiser, self.settings, self.segment = model, denoiser, settings, segment
        self.frames, self.control, self.scale = frames, control, settings.scale
        model.first_stage.check = control.check
        height, width = frames.shape[-2:]
        self.sampler = Sampler(
            denoiser,
            settings,
            lambda step: grid_for(len(frames), width, height, model.declaration, settings, step),
            control,
            segment=segment.index,
            first_frame=segment.first,
            batch=settings.tile_batch,
        )

    # -- pixels -------------------------------------------------------------------------------------------------

    def enlarged(self, frames: slice) -> Tensor:
        """``I_up`` of some frames, padded to what the U-Net needs: ``(frames, 3, height, width)``."""
        up = upscale(self.frames[frames], self.scale)
        unit = self.model.declaration.factor * self.model.declaration.multiple
        height, width = up.shape[-2:]
        return pad(up, padded(height, unit) - height, padded(width, unit) - width)

    def cropped(self, frames: Tensor) -> Tensor:
        """``frames`` without the padding."""
        height, width = self.frames.shape[-2:]
        return frames[..., : height * self.scale, : width * self.scale]

    def chunks(self) -> Iterator[slice]:
        """The segment's frames, `CHUNK` at a time."""
        for start in range(0, len(self.frames), CHUNK):
            self.control.check()
            stop = min(start + CHUNK, len(self.frames))
            yield slice(start, stop)
            self.control.emit(FrameDone(stop, len(self.frames)))

    # -- the three phases ---------------------------------------------------------------------------------------

    def encode(self) -> Tensor:
        """The condition ``l`` ``(frames, channels, height, width)``; CLIP, where the model has it, sees the first frame."""
        if self.model.image_encoder is not None:
            self.denoiser.embedding = self.model.image_encoder.embed(upscale(self.frames[:1], self.scale)[0])
        return torch.cat([self.model.first_stage.encode_condition(self.enlarged(chunk)) for chunk in self.chunks()])

    def noise(self) -> Tensor:
        """Unit noise ``(frames, channels, height, width)`` of the segment's frames."""
        declaration = self.model.declaration
        grid = self.sampler.grid_at(0)
        shape = self.model.first_stage.latent_channels, grid.height, grid.width
        return clip_noise(self.settings.seed, self.segment.first, len(self.frames), shape, declaration.noise_share)

    def sample(
        self,
        condition: Tensor,
        state: SegmentState | None = None,
        before: Tensor | None = None,
        after_step: Callable[[SegmentState, Tensor], None] = lambda state, denoised: None,
    ) -> Tensor:
        """``x_0`` from ``state`` (or from noise); ``before`` is the previous segment's ``x_0`` of the shared frames."""
        noise = self.noise()
        shared = None if before is None else Shared(before, noise)
        start = state or SegmentState(noise * self.model.declaration.sigma_max)
        return self.sampler.run(start, condition, shared, after_step)

    def decode(self, latents: Tensor, skip: int = 0) -> Iterator[Pixels]:
        """Restored frames RGB 0..1 ``(height, width, 3)`` one by one, without the first ``skip``."""
        for chunk in self.chunks():
            for index, frame in zip(range(chunk.start, chunk.stop), self.decode_frames(latents, chunk), strict=True):
                if index >= skip:
                    yield frame.permute(1, 2, 0).numpy()

    def decode_frames(self, latents: Tensor, frames: slice) -> Tensor:
        """Some frames, decoded together, cropped and colour-corrected: RGB 0..1 ``(frames, 3, height, width)``."""
        up = self.enlarged(frames)
        decoded = self.model.first_stage.decode(latents[frames], up)
        return correct(self.cropped(decoded), self.cropped(up), self.settings.color)


def pad(frames: Tensor, bottom: int, right: int) -> Tensor:
    """Pad below and to the right by reflection, by repetition where the picture is too small for that."""
    height, width = frames.shape[-2:]
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(frames, (0, right, 0, bottom), mode=mode) if bottom or right else frames


def to_bytes(pixels: Pixels) -> NDArray[np.uint8]:
    """RGB 0..1 as uint8."""
    return np.rint(pixels * 255).astype(np.uint8)
