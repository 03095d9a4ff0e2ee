"""The recovery ladder of a segment: what to try when memory runs out or half precision overflows.

When memory runs out: fewer tiles in a batch → the branches of guidance one by one → SAP in staged lockstep → in two passes →
smaller tiles; and fewer frames encoded or decoded together. When numbers are not usable: once more in fp32. Every rung warns the
user and says whether it changes the result; the first two do not. All of it wraps the sampler from outside (`Batching`).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import psutil
from torch import Tensor

from dcvsr_engine.diffusion.sampler import Estimate, TileGroup, batched
from dcvsr_engine.diffusion.turns import run_in_turns
from dcvsr_engine.errors import JobError
from dcvsr_engine.events import StepKind
from dcvsr_engine.network.checkpoint import Model
from dcvsr_engine.network.oom import MemoryExhausted, Result, attempt, in_parts, trim_heap
from dcvsr_engine.planning.memory import HEAP_BYTES
from dcvsr_engine.settings import PlannedSettings
from dcvsr_engine.tiling.grid import Tile

SMALLEST_TILE = 16
"""Side in latents below which tiles are not made smaller."""
TILE_SHARE = 0.75
"""A smaller tile has this share of the side."""
TRIM_TILES = 8
"""Every so many tiles it is seen to how much memory the heap keeps: it else grows to more than what is in use (measured)."""
Warn = Callable[[str], None]
"""Tells the user a sentence."""


class Recovery:
    """The position on the ladder: what is known to fit. It only goes down.

    Attributes:
        settings: resolved; ``tile_batch``, ``sap_schedule`` and ``tile`` are what has been found to fit.
        decode_frames: frames encoded or decoded together.
        branches_in_one_batch: whether the U-Net sees all branches of guidance at once.
    """

    def __init__(
        self, model: Model, settings: PlannedSettings, decode_frames: int, warn: Warn, branches_in_one_batch: bool = True
    ) -> None:
        self.settings, self.decode_frames, self.branches_in_one_batch = settings, decode_frames, branches_in_one_batch
        self._model, self._warn = model, warn

    # -- rungs --------------------------------------------------------------------------------------------------

    def use_fewer_tiles(self, batch: int) -> None:
        """First rung: denoise at most ``batch`` tiles at a time."""
        self.settings = self.settings.replace(tile_batch=batch)
        self._warn(f"Memory ran out: tiles are denoised {batch} at a time from here on.")

    def use_fewer_frames(self, frames: int) -> None:
        """Encode and decode at most ``frames`` frames at a time."""
        self.decode_frames = frames
        self._warn(f"Memory ran out: frames are encoded and decoded {frames} at a time from here on, which may show a little.")

    def reduce_memory(self, kind: StepKind) -> None:
        """Take the next rung after a step of ``kind`` failed with a single batch; raises `JobError` when there is none."""
        if self.branches_in_one_batch and self.has_branches:
            self.branches_in_one_batch = False
            self._warn("Memory ran out: the estimates that guidance compares are computed one after the other from here on.")
        else:
            self.settings, sentence = with_less_memory(self.settings, kind, self._model.declaration.multiple)
            self._warn(sentence)

    @property
    def has_branches(self) -> bool:
        """Whether there may be several branches that can go through the U-Net one by one; SAG's cannot."""
        return self.settings.guidance not in ("none", "sag") and self.settings.guidance_scale != 1

    # -- the ladder ---------------------------------------------------------------------------------------------

    def descend(self, sample: Callable[[], Result], kind: Callable[[], StepKind]) -> Result:
        """Call ``sample`` until its memory suffices, a rung lower each time.

        Args:
            sample: resumes where its last call stopped.
            kind: of the step where it stopped.

        Raises:
            JobError: memory does not suffice on the lowest rung either.
        """
        while True:
            try:
                return sample()
            except MemoryExhausted:
                pass  # the next rung is taken below, when what the failed step held is free
            self.reduce_memory(kind())


class RecoveringBatches:
    """A `Batching` that makes do with less memory and repairs what half precision spoils.

    Attributes:
        recovery: knows how many tiles fit, and learns it.
        model: computes.
        around: entered around every attempt at some tiles; reports, times and may stop.
        locate: names some tiles for the user.
        warn: tells the user.
    """

    def __init__(
        self,
        recovery: Recovery,
        model: Model,
        warn: Warn,
        locate: Callable[[list[Tile]], str],
        around: Callable[[list[Tile]], AbstractContextManager[None]] = lambda tiles: nullcontext(),
    ) -> None:
        self.recovery, self.model, self.warn, self.locate, self.around = recovery, model, warn, locate, around
        self._untrimmed, self._resident = 0, resident_bytes()

    @property
    def size(self) -> int:
        """See `Batching.size`."""
        return self.recovery.settings.tile_batch

    def run(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """See `Batching.run`; raises `MemoryExhausted` when the smallest batch does not fit."""
        if group.in_turns:
            yield from self.in_turns(estimate, group)
            return
        waiting = group.tiles
        while waiting:
            # asked anew for every batch: an earlier one may have found a smaller size
            size = len(waiting) if group.together else self.size
            batch, waiting = waiting[:size], waiting[size:]
            least = size if group.together else 1
            yield from in_parts(partial(self.repaired, estimate), batch, self.recovery.use_fewer_tiles, least)
            self.trim(len(batch))

    def trim(self, tiles: int) -> None:
        """Count ``tiles``, and give freed memory back where the process has grown by more than the plan lets its heap keep.

        That takes time, and the system then clears the memory of the next tiles anew: a twentieth of a short clip's.
        """
        self._untrimmed += tiles
        if self._untrimmed < TRIM_TILES:
            return
        self._untrimmed = 0
        if resident_bytes() > self._resident + HEAP_BYTES:
            trim_heap()
            self._resident = resident_bytes()

    def in_turns(self, estimate: Estimate, group: TileGroup) -> Iterator[tuple[list[Tile], Tensor]]:
        """Run a group whose batches wait for each other; all of it begins anew with smaller ones when memory runs out.

        Raises:
            MemoryExhausted: not even single tiles fit.
        """
        while True:
            batches = list(batched(group.tiles, self.size))
            works = [partial(self.observed, estimate, tiles) for tiles in batches]
            results = attempt(partial(run_in_turns, works))
            if results is not None:
                break
            if self.size == 1:
                raise MemoryExhausted
            self.recovery.use_fewer_tiles((self.size + 1) // 2)
        for tiles, estimates in zip(batches, results, strict=True):
            # after all turns: a second evaluation must not wait for others, and changes the network's number format
            yield tiles, self.repair(estimate, tiles, estimates)

    def observed(self, estimate: Estimate, tiles: list[Tile]) -> Tensor:
        """Estimate tiles ``(tiles, frames, channels, height, width)`` inside of ``around``."""
        with self.around(tiles):
            return estimate(tiles)

    def repaired(self, estimate: Estimate, tiles: list[Tile]) -> Tensor:
        """Estimate tiles ``(tiles, frames, channels, height, width)``, in fp32 where half precision does not do."""
        with self.around(tiles):
            return self.repair(estimate, tiles, estimate(tiles))

    def repair(self, estimate: Estimate, tiles: list[Tile], estimates: Tensor) -> Tensor:
        """Replace ``estimates`` ``(tiles, frames, channels, height, width)`` that are not finite by those in fp32."""
        # one bad number would spread over all tiles that overlap, and from there over the clip
        damaged = [i for i, result in enumerate(estimates) if not is_finite(result)]
        if damaged:
            again = [tiles[i] for i in damaged]
            estimates[damaged] = in_fp32(self.model, partial(estimate, again), self.locate(again), is_finite, self.warn)
        return estimates


def resident_bytes() -> int:
    """Main memory that this process has."""
    return int(psutil.Process().memory_info().rss)


def with_less_memory(settings: PlannedSettings, kind: StepKind, multiple: int) -> tuple[PlannedSettings, str]:
    """Find settings that need less memory: SAP in staged lockstep, then in two passes, else smaller tiles.

    Args:
        settings: resolved ones that did not fit, a batch at a time.
        kind: of the step that did not fit.
        multiple: the U-Net needs tiles of a multiple of this.

    Returns:
        The settings, and a sentence that tells the user how the result changes.

    Raises:
        JobError: tiles are as small as they may be.
    """
    if kind == StepKind.SAP and settings.sap_schedule == "lockstep":
        sentence = "Memory ran out: tiles of a frame are denoised in batches that wait for each other from here on."
        return settings.replace(sap_schedule="staged", tile_batch=1), sentence
    if kind == StepKind.SAP and settings.sap_schedule == "staged":
        sentence = "Memory ran out: tiles exchange keys in two passes from here on, which changes the result a little."
        return settings.replace(sap_schedule="two-pass"), sentence
    tile = int(settings.tile * TILE_SHARE) // multiple * multiple
    if tile < SMALLEST_TILE:
        raise JobError(
            "Memory ran out even with the smallest tiles; close other programs, or restore anew with fewer frames per tile."
        )
    sentence = f"Memory ran out: tiles are {tile} latents wide instead of {settings.tile} from here on, which changes the result."
    return settings.replace(tile=tile), sentence


# -- half precision ---------------------------------------------------------------------------------------------


def is_finite(values: Tensor) -> bool:
    """Whether ``values`` of any shape hold neither NaN nor infinity."""
    # `isfinite` of all would hold a copy: whole frames of HD are large
    return all(bool(extreme.isfinite()) for extreme in values.aminmax())


def retry_in_fp32(
    model: Model,
    work: Callable[[], Tensor],
    where: str,
    usable: Callable[[Tensor], bool] = is_finite,
    warn: Warn = lambda sentence: None,
) -> Tensor:
    """Call ``work``, which gives a result of any shape, once more in fp32 where half precision gives nothing usable.

    Args:
        model: computes in ``work``.
        work: called once or twice.
        where: names the place in the clip, for the user.
        usable: judges a result.
        warn: receives a sentence when fp32 is needed.

    Raises:
        JobError: the result is not usable in fp32 either; names the place.
    """
    result = work()
    return result if usable(result) else in_fp32(model, work, where, usable, warn)


def in_fp32(model: Model, work: Callable[[], Tensor], where: str, usable: Callable[[Tensor], bool], warn: Warn) -> Tensor:
    """Repeat ``work`` in fp32, after ``model`` gave nothing usable in its own number format. See `retry_in_fp32`.

    Args:
        model: whose weights are widened meanwhile.
        work: computes the result.
        where: subject of the warning and of the error.
        usable: whether a result is.
        warn: receives a sentence for the user.

    Raises:
        JobError: fp32 gives nothing usable either.
    """
    if model.precision != "fp32":
        warn(f"{where} went out of the range of {model.precision} and was computed again in fp32.")
        with model.full_precision():
            result = work()
        if usable(result):
            return result
    raise damage_error(where)


def damage_error(where: str) -> JobError:
    """The error where fp32 gives nothing usable; ``where`` is its subject."""
    return JobError(f"{where} came out damaged, even in fp32; choose another model, or restore the frames around it alone.")
