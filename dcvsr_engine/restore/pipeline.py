"""One segment from frames to frames: enlarge, encode, sample, decode, correct colours."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import torch
import torch.nn.functional as F
from accelerate.utils.memory import clear_device_cache
from torch import Tensor

from dcvsr_engine.control import Monitor
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.noise import augmented, clip_noise
from dcvsr_engine.diffusion.sampler import Pin, PinnedFrames, SegmentState, TiledDenoiser, sample, unpinned
from dcvsr_engine.diffusion.schedule import Step, passes, steps_of
from dcvsr_engine.events import FrameDone, Warned
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.first_stage import first_stage_of
from dcvsr_engine.network.oom import Result, in_parts
from dcvsr_engine.planning.grids import grid_for, padded
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.color import correct
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.grain import add_grain
from dcvsr_engine.restore.observer import SamplingObserver
from dcvsr_engine.restore.recovery import RecoveringBatches, Recovery, is_finite, retry_in_fp32
from dcvsr_engine.settings import Device, PlannedSettings
from dcvsr_engine.tiling.grid import TileGrid
from dcvsr_engine.video.arrays import FloatArray

BLACK, VISIBLE = 4 / 255, 16 / 255
"""A frame turned black when its brightest pixel is below `BLACK` while the input's are above `VISIBLE` on average."""
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

AfterStep = Callable[[SegmentState, Tensor], None]
"""Receives the state after a step, and the step's ``x̂_0`` ``(frames, channels, height, width)``."""


@dataclass(frozen=True)
class Restored:
    """A finished frame.

    Attributes:
        position: in the segment's frames.
        pixels: RGB 0..1 ``(height, width, 3)``.
        error: luma of the frame minus that of the enlarged input ``(height, width)``.
    """

    position: int
    pixels: FloatArray
    error: FloatArray


class SegmentPipeline:
    """Restores one segment of a clip: `encode`, `sample`, `decode`, in this order.

    What had to be reduced because memory ran out is in `settings`, `decode_frames` and `branches_in_one_batch`: ask after every
    step and at the end, and give it to the next segment's pipeline.

    Attributes:
        segment, frames: what is restored.
        denoiser, model: the network; the denoiser knows the first frame after `encode`, where the model has an image encoder.
        monitor: receives progress; may wait or stop at every tile and chunk.
        offload: whether the U-Net leaves the device while frames are encoded and decoded.
        suspicious: clip indices of frames that half precision turned black or to no numbers, and that were decoded again.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        settings: PlannedSettings,
        segment: Segment,
        frames: SegmentFrames,
        monitor: Monitor,
        decode_frames: int,
        offload: bool = False,
        branches_in_one_batch: bool = True,
    ) -> None:
        self.denoiser, self.segment, self.frames, self.monitor, self.offload = denoiser, segment, frames, monitor, offload
        self.suspicious: list[int] = []
        self._recovery = Recovery(denoiser.model, settings, decode_frames, self.warn, branches_in_one_batch)
        self._check = partial(monitor.check, self.parked)
        self._observer = SamplingObserver(monitor, segment, self._check)

    @property
    def model(self) -> Model:
        """The network."""
        return self.denoiser.model

    @property
    def settings(self) -> PlannedSettings:
        """Settings that are known to fit; at first those of the plan."""
        return self._recovery.settings

    @property
    def decode_frames(self) -> int:
        """Frames to encode or decode together, as many as are known to fit."""
        return self._recovery.decode_frames

    @property
    def branches_in_one_batch(self) -> bool:
        """Whether the branches of guidance are known to fit into one batch."""
        return self._recovery.branches_in_one_batch

    @property
    def network_seconds(self) -> float:
        """Time spent in the U-Net."""
        return self._observer.seconds

    # -- the three phases ---------------------------------------------------------------------------------------

    def encode(self) -> Tensor:
        """Encode the condition ``l`` ``(frames, channels, height, width)``; CLIP, where the model has it, sees one frame.

        Raises:
            MemoryExhausted: a single frame does not fit.
            JobError: the network gives no usable numbers.
        """
        if self.model.image_encoder is not None:
            seen = {"first": 0, "middle": len(self.frames) // 2, "last": len(self.frames) - 1}[self.settings.clip_frame]
            embedding = self.model.image_encoder.embed(self.upsampled([seen])[0].cpu())
            self.denoiser = self.denoiser.with_embedding(embedding)
        condition = torch.cat([condition for _, condition in self.chunks(self.encode_frames)])
        return augmented(condition, self.model.declaration.condition_noise, self.settings.seed, self.frames.indices)

    def sample(
        self,
        condition: Tensor,
        state: SegmentState | None = None,
        fixed: Mapping[int, Tensor] = MappingProxyType({}),
        after_step: AfterStep = lambda state, denoised: None,
    ) -> Tensor:
        """Sample ``x_0``.

        Args:
            condition: ``l`` ``(frames, channels, height, width)``.
            state: where an earlier run stopped; ``None`` to start from noise.
            fixed: ``x_0`` ``(channels, height, width)`` of frames that neighbouring segments have made, by position.
            after_step: receives the state after each step.

        Returns:
            ``x_0`` ``(frames, channels, height, width)``.

        Raises:
            JobError: memory does not suffice, whatever is reduced, or the network gives no usable numbers.
        """
        noise = self.noise()
        pin = PinnedFrames(fixed, noise) if fixed else unpinned
        latest = state or SegmentState(noise * self.model.declaration.sigma_max)
        self.model.unet.to(self.model.device)  # it may have left for encoding
        if latest.bank is not None:
            latest.bank.move(self.model.device)

        def keep(new: SegmentState, denoised: Tensor) -> None:
            """See `AfterStep`: the state is where the next rung of the ladder resumes."""
            nonlocal latest
            latest = new
            after_step(new, denoised)

        return self._recovery.descend(lambda: self.resume(latest, condition, pin, keep), lambda: self.steps[latest.step].kind)

    def resume(self, state: SegmentState, condition: Tensor, pin: Pin, after_step: AfterStep) -> Tensor:
        """Sample from ``state`` with the settings that fit. See `sample`; ``condition`` ``(frames, channels, height, width)``.

        Raises:
            MemoryExhausted: not even the smallest batch fits. The step that ``after_step`` saw last is a state to resume from.
        """
        steps, tiled = self.steps, self.tiled_denoiser(condition, state)
        self._observer.expect(self.evaluations(steps[: state.step]), self.evaluations(steps), len(steps))

        def denoise(x: Tensor, step: Step) -> Tensor:
            """See `TiledDenoiser`: the step is reported before it."""
            self._observer.on_step(step, self.grid_at(step.index))
            return tiled(x, step)

        def keep(x: Tensor, step: Step, denoised: Tensor) -> None:
            """See `AfterStep`: x and the bank make a state."""
            after_step(SegmentState(x, step.index + 1, tiled.bank), denoised)

        return sample(denoise, state.x, steps[state.step :], pin, keep)

    def decode(self, latents: Tensor, positions: range | None = None) -> Iterator[Restored]:
        """Decode ``x_0`` ``(frames, channels, height, width)`` and correct colours, frame by frame.

        Args:
            latents: of all frames of the segment; the decoder may look at neighbours of those that are wanted.
            positions: of the wanted frames in the segment, all by default.

        Raises:
            MemoryExhausted: a single frame does not fit.
            JobError: frames come out damaged.
        """
        for chunk, (decoded, errors) in self.chunks(partial(self.decode_chunk, latents), positions):
            for position, frame, error in zip(chunk, decoded, errors, strict=True):
                yield Restored(position, frame.permute(1, 2, 0).numpy(), error.numpy())

    # -- sampling -----------------------------------------------------------------------------------------------

    @property
    def steps(self) -> list[Step]:
        """The schedule."""
        return steps_of(self.settings, self.model.declaration)

    def grid_at(self, step: int) -> TileGrid:
        """The tile grid of a step."""
        height, width = self.frames.pixels.shape[-2:]
        return grid_for(len(self.frames), width, height, self.model.declaration, self.settings, step)

    def evaluations(self, steps: Sequence[Step]) -> int:
        """Tiles to denoise in ``steps``, all passes counted."""
        return sum(len(passes(step, self.settings.sap_schedule)) * len(self.grid_at(step.index)) for step in steps)

    @property
    def tiles_to_denoise(self) -> int:
        """Tiles to denoise in all steps, all passes counted: the units of `TileFinished`."""
        return self.evaluations(self.steps)

    def noise(self) -> Tensor:
        """Unit noise ``(frames, channels, height, width)`` of the segment's frames."""
        grid, share = self.grid_at(0), self.model.declaration.noise_share
        shape = self.model.first_stage.latent_channels, grid.height, grid.width
        # by index in the clip: a frame keeps its noise however the clip is cut into segments
        return torch.cat([clip_noise(self.settings.seed, index, 1, shape, share) for index in self.frames.indices])

    def tiled_denoiser(self, condition: Tensor, state: SegmentState) -> TiledDenoiser:
        """A denoiser of the segment with the settings that fit; ``condition`` is ``l`` ``(frames, channels, height, width)``."""
        return TiledDenoiser(
            self.denoiser,
            condition,
            self.settings,
            self.grid_at,
            self.steps,
            RecoveringBatches(self._recovery, self.model, self.warn, self._observer.locate, self._observer.on_tiles),
            state.bank,
            self.branches_in_one_batch,
            self._observer.on_frames_chosen,
        )

    # -- pixels -------------------------------------------------------------------------------------------------

    @property
    def scale(self) -> int:
        """Scale factor of width and height."""
        return self.settings.scale

    @property
    def pixel_device(self) -> Device:
        """Device that whole frames are on."""
        return first_stage_of(self.model.declaration).pixel_device(self.model.device)

    def enlarged(self, positions: list[int]) -> Tensor:
        """``I_up`` of some frames where pixels are worked on, padded for the U-Net: ``(frames, 3, height, width)``."""
        up = self.upsampled(positions)
        unit = self.model.declaration.factor * self.model.declaration.multiple
        height, width = up.shape[-2:]
        return pad(up, padded(height, unit) - height, padded(width, unit) - width)

    def upsampled(self, positions: list[int]) -> Tensor:
        """``I_up`` of some frames where pixels are worked on: ``(frames, 3, scale · height, scale · width)``."""
        upsampler = self.model.upsampler
        return upsampler(self.frames.windows(positions, upsampler.frames).to(self.pixel_device), self.scale)

    def cropped(self, frames: Tensor) -> Tensor:
        """``frames`` ``(frames, 3, height, width)`` without the padding."""
        height, width = self.frames.pixels.shape[-2:]
        return frames[..., : height * self.scale, : width * self.scale]

    def encode_frames(self, positions: list[int]) -> Tensor:
        """The condition of some frames ``(frames, channels, height, width)``; raises `JobError` when it comes out damaged."""
        up = self.enlarged(positions)
        encode = partial(self.model.first_stage.encode_condition, up, check=self._check)
        return retry_in_fp32(self.model, encode, self.locate(positions), warn=self.warn).cpu()

    def decode_chunk(self, latents: Tensor, positions: list[int]) -> tuple[Tensor, Tensor]:
        """Decode some frames of ``latents`` ``(frames, channels, height, width)`` together.

        Returns:
            RGB 0..1 ``(positions, 3, height, width)``, and the error of their luma ``(positions, height, width)``.

        Raises:
            JobError: they come out damaged.
        """
        up = self.enlarged(positions)

        def again(sentence: str) -> None:
            self.suspicious += [self.frames.indices[position] for position in positions]
            self.warn(sentence)

        # judged after colour correction: it is what the user sees
        work = partial(self.refined, latents, positions, up)
        usable = partial(self.is_plausible, positions)
        pixels = retry_in_fp32(self.model, work, self.locate(positions), usable, again)
        error = ((pixels - self.cropped(up)) * LUMA.to(up)).sum(1)
        return self.grained(pixels, positions).cpu(), error.cpu()

    def picture(self, latents: Tensor, positions: list[int]) -> Tensor:
        """Decode some frames of ``latents`` ``(frames, channels, height, width)`` for a look, whatever they look like.

        Returns:
            RGB 0..1 ``(positions, 3, height, width)``.
        """
        return self.grained(self.refined(latents, positions, self.enlarged(positions)), positions).cpu()

    def grained(self, pixels: Tensor, positions: list[int]) -> Tensor:
        """Add the grain that the settings ask for to restored frames RGB 0..1 ``(positions, 3, height, width)``."""
        indices = [self.frames.indices[position] for position in positions]
        return add_grain(pixels, self.settings.grain, self.settings.seed, indices)

    def refined(self, latents: Tensor, positions: list[int], up: Tensor) -> Tensor:
        """Decode neighbouring frames together, with more on either side for a temporal decoder.

        They are cropped, mixed with ``up`` by the strength, and their colours are corrected.

        Args:
            latents: ``x_0`` of the segment ``(frames, channels, height, width)``.
            positions: which frames.
            up: the same frames `enlarged` ``(positions, 3, height, width)``.

        Returns:
            RGB 0..1 ``(positions, 3, height, width)`` without the padding.
        """
        margin = first_stage_of(self.model.declaration).margin(len(positions))
        first, end = max(0, positions[0] - margin), positions[-1] + 1 + margin
        around, before = latents[first:end].to(up.device), positions[0] - first
        decoded = self.model.first_stage.decode(around, up, check=self._check, before=before)
        mixed = mix(self.cropped(up), self.cropped(decoded), self.settings.strength)
        return correct(mixed, self.cropped(up), self.settings.color)

    def is_plausible(self, positions: list[int], pixels: Tensor) -> bool:
        """Whether restored frames ``(positions, 3, height, width)`` are numbers and none of them has turned black."""
        # half precision can overflow to black without a NaN; an input that is black itself proves nothing
        black = (pixels.amax((1, 2, 3)).cpu() < BLACK) & (self.frames.pixels[positions].mean((1, 2, 3)) > VISIBLE)
        return is_finite(pixels) and not bool(black.any())

    # -- around the work ----------------------------------------------------------------------------------------

    def chunks(self, work: Callable[[list[int]], Result], positions: range | None = None) -> Iterator[tuple[list[int], Result]]:
        """The positions of frames, of all by default, and what ``work`` makes of them, `decode_frames` at a time or fewer."""
        if self.offload:
            self.unload_unet()
        waiting = list(range(len(self.frames)) if positions is None else positions)
        count = len(waiting)
        while waiting:
            self._check()
            chunk, waiting = waiting[: self.decode_frames], waiting[self.decode_frames :]
            # the U-Net is not needed here: its memory is the last that can be freed
            yield from in_parts(work, chunk, self._recovery.use_fewer_frames, last_resort=self.unload_unet)
            self.monitor.emit(FrameDone(count - len(waiting), count))

    def unload_unet(self) -> None:
        """Take the U-Net off the device until it is needed again."""
        self.model.unet.to("cpu")
        clear_device_cache(garbage_collection=True)

    @contextmanager
    def parked(self) -> Iterator[None]:
        """Free the device's memory for a pause."""
        self.denoiser.propagation.move("cpu")
        self.model.move("cpu")
        yield
        self.model.move(self.model.device)
        self.denoiser.propagation.move(self.model.device)

    def warn(self, sentence: str) -> None:
        """Tell the user."""
        self.monitor.emit(Warned(sentence))

    def locate(self, positions: list[int]) -> str:
        """Some frames in words."""
        first, last = self.frames.indices[positions[0]], self.frames.indices[positions[-1]]
        return f"Frame {first}" if first == last else f"One of frames {first} to {last}"


def mix(up: Tensor, decoded: Tensor, strength: float) -> Tensor:
    """Mix the enlarged input and the refined result (method.md §6).

    Args:
        up, decoded: RGB ``(frames, 3, height, width)``.
        strength: share of ``decoded``, 0 … 1.

    Returns:
        RGB, shaped like ``up``.
    """
    return decoded if strength == 1 else torch.lerp(up, decoded, strength)


def pad(frames: Tensor, bottom: int, right: int) -> Tensor:
    """Pad below and to the right by reflection, by repetition where the picture is too small for that.

    Args:
        frames: ``(frames, 3, height, width)``.
        bottom, right: pixels to add.

    Returns:
        ``(frames, 3, height + bottom, width + right)``.
    """
    height, width = frames.shape[-2:]
    mode = "reflect" if bottom < height and right < width else "replicate"
    return F.pad(frames, (0, right, 0, bottom), mode=mode) if bottom or right else frames
