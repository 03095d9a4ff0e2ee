"""One segment from frames to frames: enlarge, encode, sample, decode, correct colours."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import torch
from accelerate.utils.memory import clear_device_cache
from torch import Tensor

from dcvsr_engine.control import Monitor
from dcvsr_engine.diffusion.denoiser import Denoiser
from dcvsr_engine.diffusion.noise import ClipNoise, augmented
from dcvsr_engine.diffusion.sampler import OnMerged, PinnedFrames, SegmentState, TiledDenoiser, batched, sample
from dcvsr_engine.diffusion.schedule import Step, passes, steps_of
from dcvsr_engine.events import FrameDone, Warned
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.first_stage import FirstStageSpec, first_stage_of
from dcvsr_engine.network.oom import Result, in_parts
from dcvsr_engine.network.preview import preview_of
from dcvsr_engine.planning.grids import grid_for
from dcvsr_engine.planning.memory import BAND_PIXELS, PIXEL_LANES
from dcvsr_engine.planning.plan import Segment
from dcvsr_engine.restore.color import color_moments, correct, reach_of
from dcvsr_engine.restore.enlarging import WHOLE_AXIS, Enlarger, HoldingEnlarger, enlarged_matte
from dcvsr_engine.restore.frames import SegmentFrames
from dcvsr_engine.restore.grain import add_grain
from dcvsr_engine.restore.observer import SamplingObserver
from dcvsr_engine.restore.recovery import RecoveringBatches, Recovery, damage_error, is_finite, retry_in_fp32
from dcvsr_engine.settings import Device, PlannedSettings
from dcvsr_engine.tiling.grid import Tile, TileGrid
from dcvsr_engine.tiling.latents import Latents, Part, Scaled
from dcvsr_engine.video.arrays import FloatArray

BLACK, VISIBLE = 4 / 255, 16 / 255
"""A frame turned black when its brightest pixel is below `BLACK` while the input's are above `VISIBLE` on average."""
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)

LEAST_BAND = 64
"""Rows of a band, at least: colour correction looks at as many around it."""

OnState = Callable[[SegmentState], None]
"""Receives the state after a step."""
OnEstimate = Callable[[Step, Tensor], None]
"""Receives a step and its ``x̂_0`` ``(frames, channels, height, width)``, which holds until it returns."""


@dataclass(frozen=True)
class Restored:
    """A finished frame.

    Attributes:
        position: in the segment's frames.
        pixels: RGB 0..1 ``(height, width, 3)``.
        error: luma of the frame minus that of the enlarged input ``(height, width)``.
        enlarged: the enlarged input, like ``pixels``, where it was asked for.
        alpha: the enlarged alpha channel ``(height, width)``, where it was asked for.
    """

    position: int
    pixels: FloatArray
    error: FloatArray
    enlarged: FloatArray | None = None
    alpha: FloatArray | None = None


class EncodedParts:
    """The condition of some frames, encoded as it is cut; see `Latents`."""

    def __init__(self, encode: Callable[[list[int], slice, slice], Tensor], shape: tuple[int, ...]) -> None:
        """Take what encodes rows and columns of frames, and the ``shape`` of all of it."""
        self.shape = shape
        self._encode = encode

    def __getitem__(self, part: Part) -> Tensor:
        """See `Latents`."""
        frames, channels, rows, columns = part
        return self._encode(list(range(self.shape[0])[frames]), rows, columns)[:, channels]


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
        enlarged: Mapping[int, Tensor] = MappingProxyType({}),
    ) -> None:
        """Take what to work with; ``enlarged`` are the frames that the segment before leaves, see `HoldingEnlarger`."""
        self.denoiser, self.segment, self.frames, self.monitor, self.offload = denoiser, segment, frames, monitor, offload
        self.suspicious: list[int] = []
        self._recovery = Recovery(denoiser.model, settings, decode_frames, self.warn, branches_in_one_batch)
        self._check = partial(monitor.check, self.parked)
        self._observer = SamplingObserver(monitor, segment, self._check)
        self._preview = preview_of(self.model.first_stage, self.model.tiny_decoder)
        unit = self.model.declaration.factor * self.model.declaration.multiple
        self._enlarger = Enlarger(frames, self.model.upsampler, settings.scale, unit, self.pixel_device, self.sound)
        if self.model.upsampler.network is not None and self.first_stage.local:
            self._enlarger = HoldingEnlarger(self._enlarger, enlarged, self.denoiser.network.side_by_side)

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

    def encode(self) -> Latents:
        """Encode the condition ``l`` ``(frames, channels, height, width)``; CLIP, where the model has it, sees one frame.

        Where neither a network nor noise is needed for it, it is encoded tile by tile when the sampler asks for it; frames that a
        network enlarges are enlarged before.

        Raises:
            MemoryExhausted: a single frame does not fit.
            JobError: the network gives no usable numbers.
        """
        if self.model.image_encoder is not None:
            seen = {"first": 0, "middle": len(self.frames) // 2, "last": len(self.frames) - 1}[self.settings.clip_frame]
            embedding = self.model.image_encoder.embed(self.cropped(self.enlarged([seen]))[0].cpu())
            self.denoiser = self.denoiser.with_embedding(embedding)
        if self.first_stage.local and not self.model.declaration.condition_noise:
            if isinstance(self._enlarger, HoldingEnlarger):
                for _ in self.chunks(self._enlarger.hold):
                    pass
            grid = self.grid_at(0)
            shape = len(self.frames), self.first_stage.condition_channels, grid.height, grid.width
            self.monitor.emit(FrameDone(len(self.frames), len(self.frames)))  # nothing is left to do before sampling
            return EncodedParts(self.encode_frames, shape)
        condition = torch.cat([condition for _, condition in self.chunks(self.encode_chunk)])
        return augmented(condition, self.model.declaration.condition_noise, self.settings.seed, self.frames.indices)

    def sample(
        self,
        condition: Latents,
        state: SegmentState | None = None,
        fixed: Mapping[int, Tensor] = MappingProxyType({}),
        after_step: OnState = lambda state: None,
        on_estimate: OnEstimate = lambda step, denoised: None,
        on_merged: OnMerged = lambda step, merge: None,
    ) -> Tensor:
        """Sample ``x_0``.

        Args:
            condition: ``l`` ``(frames, channels, height, width)``.
            state: where an earlier run stopped; ``None`` to start from noise.
            fixed: ``x_0`` ``(channels, height, width)`` of frames that neighbouring segments have made, by position.
            after_step, on_estimate, on_merged: see `OnState`, `OnEstimate` and `OnMerged`.

        Returns:
            ``x_0`` ``(frames, channels, height, width)``.

        Raises:
            JobError: memory does not suffice, whatever is reduced, or the network gives no usable numbers.
        """
        noise = self.noise()
        pins = PinnedFrames(fixed, noise) if fixed else None
        latest = state or SegmentState(Scaled(noise, self.model.declaration.sigma_max))
        self.model.unet.to(self.model.device)  # it may have left for encoding
        if latest.bank is not None:
            latest.bank.move(self.model.device)

        def keep(new: SegmentState) -> None:
            """See `OnState`: the state is where the next rung of the ladder resumes."""
            nonlocal latest
            latest = new
            after_step(new)

        return self._recovery.descend(
            lambda: self.resume(latest, condition, pins, keep, on_estimate, on_merged), lambda: self.steps[latest.step].kind
        )

    def resume(
        self,
        state: SegmentState,
        condition: Latents,
        pins: PinnedFrames | None,
        after_step: OnState,
        on_estimate: OnEstimate,
        on_merged: OnMerged,
    ) -> Tensor:
        """Sample from ``state`` with the settings that fit. See `sample`; ``condition`` ``(frames, channels, height, width)``.

        Raises:
            MemoryExhausted: not even the smallest batch fits. The step that ``after_step`` saw last is a state to resume from.
        """
        steps, tiled = self.steps, self.tiled_denoiser(condition, state, on_merged)
        self._observer.expect(self.evaluations(steps[: state.step]), self.evaluations(steps), len(steps))

        def denoise(x: Latents, step: Step) -> Tensor:
            """See `TiledDenoiser`: the step is reported before it."""
            self._observer.on_step(step, self.grid_at(step.index))
            return tiled(x, step)

        def keep(step: Step, x: Tensor, before: Tensor | None) -> None:
            """See `AfterStep`: what the next step needs makes a state."""
            after_step(SegmentState(x, step.index + 1, tiled.bank, before, tiled.features))

        return sample(denoise, state.x, steps[state.step :], pins, on_estimate, keep, state.before)

    def decode(
        self, latents: Tensor, positions: range | None = None, with_input: bool = False, with_alpha: bool = False
    ) -> Iterator[Restored]:
        """Decode ``x_0`` ``(frames, channels, height, width)`` and correct colours, frame by frame.

        Args:
            latents: of all frames of the segment; the decoder may look at neighbours of those that are wanted.
            positions: of the wanted frames in the segment, all by default.
            with_input: whether the enlarged input is to come along.
            with_alpha: whether the enlarged alpha channel is to.

        Raises:
            MemoryExhausted: a single frame does not fit.
            JobError: frames come out damaged.
        """
        for chunk, (decoded, errors) in self.chunks(partial(self.decode_chunk, latents), positions):
            for position, frame, error in zip(chunk, decoded, errors, strict=True):
                enlarged = self.enlarged_input(position) if with_input else None
                alpha = self.enlarged_alpha(position) if with_alpha else None
                yield Restored(position, frame.permute(1, 2, 0).numpy(), error.numpy(), enlarged, alpha)

    def enlarged_input(self, position: int) -> FloatArray:
        """``I_up`` of a frame as a picture, RGB 0..1 ``(height, width, 3)``."""
        picture = self.cropped(self.enlarged([position]))[0].clamp(0, 1)
        return picture.permute(1, 2, 0).cpu().numpy()

    def enlarged_alpha(self, position: int) -> FloatArray:
        """The alpha channel of a frame, enlarged as `enlarged_matte` does it: ``(height, width)``."""
        e = self._enlarger
        mattes = Enlarger(e.frames.mattes, e.upsampler, e.scale, e.unit, e.device, e.sound)
        matte: FloatArray = enlarged_matte(mattes, position).numpy()
        return matte

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
        grids = [(len(passes(step, self.settings.sap_schedule)), self.grid_at(step.index)) for step in steps]
        return sum(count * (len(grid) - sum(map(self.is_flat, grid))) for count, grid in grids)

    def is_flat(self, tile: Tile) -> bool:
        """Whether the enlarged input has nothing in a tile that could be restored, and 0 stands for it (method.md §6)."""
        settings = self.settings
        if not settings.flat or settings.sap or settings.tap or not self.first_stage.local:
            return False
        # not what is around it, from which the upsampler also makes it: there the next tile counts, which overlaps
        frames, *axes = tile.slices
        factor, scale = self.model.declaration.factor, settings.scale
        rows, columns = (slice(factor * axis.start // scale, -(-factor * axis.stop // scale)) for axis in axes)
        pixels = self.frames.pixels[frames, :, rows, columns]
        return bool(255 * (pixels.amax((2, 3)) - pixels.amin((2, 3))).max() <= settings.flat)

    @property
    def tiles_to_denoise(self) -> int:
        """Tiles to denoise in all steps, all passes counted: the units of `TileFinished`."""
        return self.evaluations(self.steps)

    def noise(self) -> ClipNoise:
        """Unit noise ``(frames, channels, height, width)`` of the segment's frames."""
        grid, share = self.grid_at(0), self.model.declaration.noise_share
        shape = self.model.first_stage.latent_channels, grid.height, grid.width
        # by index in the clip: a frame keeps its noise however the clip is cut into segments
        return ClipNoise(self.settings.seed, self.frames.indices, shape, share)

    def tiled_denoiser(self, condition: Latents, state: SegmentState, on_merged: OnMerged) -> TiledDenoiser:
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
            state.features,
            on_merged,
            self.is_flat,
        )

    # -- pixels -------------------------------------------------------------------------------------------------

    @property
    def first_stage(self) -> FirstStageSpec:
        """What the first stage is like."""
        return first_stage_of(self.model.declaration)

    @property
    def enlarged_frames(self) -> Mapping[int, Tensor]:
        """The enlarged frames that are held, see `HoldingEnlarger`."""
        return self._enlarger.held if isinstance(self._enlarger, HoldingEnlarger) else {}

    def sound(self, positions: list[int], work: Callable[[], Tensor]) -> Tensor:
        """Call ``work``, which gives a result of any shape for some frames; see `Sound` and `retry_in_fp32`."""
        return retry_in_fp32(self.model, work, self.locate(positions), warn=self.warn)

    @property
    def pixel_device(self) -> Device:
        """Device that pixels are worked on."""
        return self.first_stage.pixel_device(self.model.device)

    def enlarged(self, positions: list[int], rows: slice = WHOLE_AXIS, columns: slice = WHOLE_AXIS) -> Tensor:
        """``I_up`` of some frames where pixels are worked on, padded for the U-Net: ``(frames, 3, rows, columns)``."""
        return self._enlarger(positions, rows, columns)

    def cropped(self, frames: Tensor) -> Tensor:
        """``frames`` ``(frames, channels, height, width)`` without the padding."""
        height, width = self._enlarger.size
        return frames[..., :height, :width]

    def encode_chunk(self, positions: list[int]) -> Tensor:
        """The condition of some frames, encoded in bands where latents stand for their own pixels alone. See `encode_frames`."""
        height, rows = self.grid_at(0).height, self.band_rows(len(positions)) // self.model.declaration.factor
        if not self.first_stage.local:
            return self.encode_frames(positions)
        bands = [slice(first, min(first + rows, height)) for first in range(0, height, rows)]
        return torch.cat([self.encode_frames(positions, band) for band in bands], dim=2)

    def encode_frames(self, positions: list[int], rows: slice = WHOLE_AXIS, columns: slice = WHOLE_AXIS) -> Tensor:
        """The condition of some frames, or of a part of them.

        Args:
            positions: in the segment.
            rows, columns: in latents.

        Returns:
            ``(positions, channels, rows, columns)``.

        Raises:
            JobError: it comes out damaged.
        """
        up = self.enlarged(positions, self.in_pixels(rows), self.in_pixels(columns))
        encode = partial(self.model.first_stage.encode_condition, up, check=self.stage_check)
        if self.frames_apart:  # several tiles at once may ask, and a fixed transform is in fp32 already
            condition = encode()
            if not is_finite(condition):
                raise damage_error(self.locate(positions))
            return condition
        condition = self.sound(positions, encode).cpu()
        if self._preview is not None:
            self._preview.learn(condition, up)
        return condition

    def in_pixels(self, latents: slice) -> slice:
        """The output pixels of rows or columns of latents."""
        factor = self.model.declaration.factor
        return WHOLE_AXIS if latents == WHOLE_AXIS else slice(factor * latents.start, factor * latents.stop)

    def decode_chunk(self, latents: Tensor, positions: list[int]) -> tuple[Tensor, Tensor]:
        """Decode some frames of ``latents`` ``(frames, channels, height, width)`` together.

        Returns:
            RGB 0..1 ``(positions, 3, height, width)``, and the error of their luma ``(positions, height, width)``.

        Raises:
            JobError: they come out damaged.
        """

        def again(sentence: str) -> None:
            self.suspicious += [self.frames.indices[position] for position in positions]
            self.warn(sentence)

        # judged after colour correction: it is what the user sees
        work = partial(self.refined, latents, positions)
        usable = partial(self.is_plausible, positions)
        refined = retry_in_fp32(self.model, work, self.locate(positions), usable, again)
        return self.grained(refined[:, :3], positions), refined[:, 3]

    def picture(self, latents: Tensor, position: int) -> Tensor:
        """A frame of ``latents`` ``(frames, channels, height, width)`` for a look, whatever it looks like.

        Returns:
            RGB 0..1 ``(1, 3, height, width)``: what `decode` would give where that is cheap, else what `LatentPreview` shows.
        """
        if self._preview is not None:
            return self.cropped(self._preview(latents, position)).clamp(0, 1)
        return self.grained(self.refined(latents, [position])[:, :3], [position])

    def grained(self, pixels: Tensor, positions: list[int]) -> Tensor:
        """Add the grain that the settings ask for to restored frames RGB 0..1 ``(positions, 3, height, width)``."""
        indices = [self.frames.indices[position] for position in positions]
        return add_grain(pixels, self.settings.grain, self.settings.seed, indices)

    def refined(self, latents: Tensor, positions: list[int]) -> Tensor:
        """Decode neighbouring frames together, mix them with ``I_up`` by the strength, and correct their colours.

        Args:
            latents: ``x_0`` of the segment ``(frames, channels, height, width)``.
            positions: which frames.

        Returns:
            RGB 0..1 and the error of their luma ``(positions, 4, height, width)``, on the host.
        """
        refined = torch.empty(len(positions), 4, *self._enlarger.size)
        if not self.frames_apart:
            self.refine_into(refined, latents, positions)
            return refined
        frames = zip(refined.split(1), positions, strict=True)
        works = [partial(self.refine_into, frame, latents, [position]) for frame, position in frames]
        for some in batched(works, PIXEL_LANES):
            self._check()  # here, on the job's thread
            self.denoiser.network.side_by_side(some)
        return refined

    @property
    def frames_apart(self) -> bool:
        """Whether pixels of frames are worked on one frame at a time: a processor's cache does not hold more."""
        return self.first_stage.local and self.pixel_device == "cpu"

    @property
    def stage_check(self) -> Callable[[], None]:
        """What the first stage calls before every tile; nothing where it may be at work on several threads, for a moment each."""
        return (lambda: None) if self.frames_apart else self._check

    def refine_into(self, refined: Tensor, latents: Tensor, positions: list[int]) -> None:
        """Fill what `refined` returns ``(positions, 4, height, width)``; the other arguments are its own."""
        bands = self.bands(len(positions))
        moments = self.moments(latents, positions, bands) if self.settings.color == "adain" and len(bands) > 1 else None
        for rows in bands:
            pixels, up = self.refined_band(latents, positions, rows, moments)
            refined[:, :3, rows] = pixels
            refined[:, 3, rows] = (pixels - up).mul_(LUMA.to(up)).sum(1)

    def moments(self, latents: Tensor, positions: list[int], bands: list[slice]) -> tuple[Tensor, Tensor]:
        """The `color_moments` of some decoded frames of ``latents`` ``(frames, channels, height, width)``, and of ``I_up``."""
        pairs = (self.decoded_band(latents, positions, rows) for rows in bands)
        each = [(color_moments(decoded), color_moments(up)) for up, decoded in pairs]
        decoded, up = (torch.stack(side).sum(0) for side in zip(*each, strict=True))
        return decoded, up

    def bands(self, frames: int) -> list[slice]:
        """Rows of output pixels of ``frames`` frames to decode together: all, unless latents stand for their own pixels alone."""
        height, _ = self._enlarger.size
        if not self.first_stage.local:
            return [slice(0, height)]
        rows = self.band_rows(frames)
        return [slice(first, min(first + rows, height)) for first in range(0, height, rows)]

    def band_rows(self, frames: int) -> int:
        """How many rows of output pixels of ``frames`` frames are worked on together, where they can be worked on in parts."""
        _, width = self._enlarger.size
        return max(LEAST_BAND, BAND_PIXELS // (width * frames))

    def refined_band(
        self, latents: Tensor, positions: list[int], rows: slice, moments: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """A band of ``rows`` of output pixels, RGB ``(positions, 3, rows, width)``, restored and enlarged.

        Args:
            latents, positions: as for `refined`.
            rows: of output pixels.
            moments: as for `adain`.
        """
        around = self.in_pixels(self.around(rows))
        up, decoded = self.decoded_band(latents, positions, around)
        pixels = correct(decoded, up, self.settings.color, moments)
        begin = around.start or 0
        inside = slice(rows.start - begin, rows.stop - begin)
        return pixels[..., inside, :], up[..., inside, :]

    def decoded_band(self, latents: Tensor, positions: list[int], rows: slice) -> tuple[Tensor, Tensor]:
        """A band of ``I_up`` and of its mixture with what is decoded, each ``(positions, 3, rows, width)``.

        Args:
            latents: ``x_0`` of the segment ``(frames, channels, height, width)``.
            positions: which frames.
            rows: of output pixels.
        """
        (height, width), factor = self._enlarger.size, self.model.declaration.factor
        begin, stop, _ = rows.indices(height)
        around = WHOLE_AXIS if rows == WHOLE_AXIS else slice(begin // factor, -(-stop // factor))
        up = self.enlarged(positions, self.in_pixels(around))
        # with more frames on either side, for a temporal decoder
        margin = self.first_stage.margin(len(positions))
        first, end = max(0, positions[0] - margin), positions[-1] + 1 + margin
        part = latents[first:end, :, around].to(up.device)
        decoded = self.model.first_stage.decode(part, up, check=self.stage_check, before=positions[0] - first)
        inside = slice(begin % factor, begin % factor + stop - begin)
        up, decoded = (pixels[..., inside, :width] for pixels in (up, decoded))
        return up, mix(up, decoded, self.settings.strength)

    def around(self, rows: slice) -> slice:
        """The rows of latents that decide about some ``rows`` of output pixels."""
        reach, factor = reach_of(self.settings.color), self.model.declaration.factor
        if not self.first_stage.local:
            return WHOLE_AXIS
        return slice(max(0, rows.start - reach) // factor, min(-(-(rows.stop + reach) // factor), self.grid_at(0).height))

    def is_plausible(self, positions: list[int], refined: Tensor) -> bool:
        """Whether restored frames ``(positions, 4, height, width)`` are numbers and none of them has turned black."""
        # half precision can overflow to black without a NaN; an input that is black itself proves nothing
        black = (refined[:, :3].amax((1, 2, 3)) < BLACK) & (self.frames.pixels[positions].mean((1, 2, 3)) > VISIBLE)
        return is_finite(refined) and not bool(black.any())

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
