"""How fast a job runs and how long it will take, from what has been measured. Without Qt."""

from dataclasses import dataclass, field

from dcvsr_engine.events import Event, FrameDone, Phase, PhaseStarted, SegmentFinished, TileFinished, TileStarted

FIRST_UNITS = 2
"""Units to wait for before a phase's speed is used: the first one also warms up."""


MOST_AHEAD = 0.95
"""Share of the tiles in a batch that may count as done before the batch is."""
MOST_BEFORE = 0.5
"""Share of the planned time that may count as spent before the phase that takes the time is measured."""


@dataclass
class PhaseSpeed:
    """Measured speed of one phase.

    Attributes:
        units: how many units the phase has in a segment.
        done: how many of them are done in the current segment.
        measured, seconds: how many units were measured in all segments, and how long they took.
    """

    units: int = 0
    done: int = 0
    measured: int = 0
    seconds: float = 0.0

    def begin(self, units: int, done: int = 0) -> None:
        """Begin a segment of so many units, of which some were ``done`` before."""
        self.units, self.done = units, done

    def add(self, units: int, seconds: float, done: int) -> None:
        """Take note of units that took some seconds; ``done`` of the segment's units are done now."""
        self.measured += units
        self.seconds += seconds
        self.done = min(done, self.units)

    @property
    def unit_seconds(self) -> float | None:
        """Seconds per unit, ``None`` while too few are measured."""
        return self.seconds / self.measured if self.measured >= min(FIRST_UNITS, self.units) > 0 else None


@dataclass
class ProgressEstimator:
    """Follows the progress events of one job.

    Attributes:
        frames: frames of the whole job.
        planned_seconds: the plan's estimate, used until something is measured.
        main: the phase that takes the time.
        in_flight: tiles that are being denoised.
    """

    frames: int = 0
    planned_seconds: float | None = None
    main: Phase = "sample"
    segment: int = 0
    segments: int = 1
    phase: Phase | None = None
    phases: dict[Phase, PhaseSpeed] = field(default_factory=dict)
    in_flight: int = 0
    _since: float = 0.0

    def on_event(self, event: Event, now: float) -> None:
        """Take note of an event that came at ``now`` (seconds of any steady clock)."""
        match event:
            case PhaseStarted(phase, segment, segments, total, done):
                self._reach(segment)
                self.phase = phase
                self.segments = max(self.segments, segments)
                self.phases.setdefault(phase, PhaseSpeed()).begin(total, done)
                # tiles of an attempt that ran out of memory are never reported as finished
                self.in_flight = 0
                self._since = now
            case TileStarted():
                self.in_flight += 1
            case TileFinished(done=done) if self.phase:
                self.in_flight = max(0, self.in_flight - 1)
                self._measure(self.phases[self.phase], 1, done, now)
            case FrameDone(done=done) if self.phase:
                speed = self.phases[self.phase]
                self._measure(speed, max(0, done - speed.done), done, now)
            case SegmentFinished(segment, segments):
                self._reach(segment + 1)
                self.phase = None
                self.segments = max(self.segments, segments)
            case _:
                pass

    def _measure(self, speed: PhaseSpeed, units: int, done: int, now: float) -> None:
        """Measure so many more units; ``units`` is not ``done``, as a resumed phase does not begin at its first unit."""
        speed.add(units, now - self._since, done)
        self._since = now

    def skip_pause(self, seconds: float) -> None:
        """Leave a pause out of the current measurement."""
        self._since += seconds

    def _reach(self, segment: int) -> None:
        """Begin another segment, of which nothing is done yet."""
        if segment > self.segment:
            self.segment = segment
            for speed in self.phases.values():
                speed.begin(speed.units)

    @property
    def units(self) -> tuple[int, int]:
        """Done and all units of the current phase: tiles of all steps, or frames."""
        speed = self.phases.get(self.phase) if self.phase else None
        return (speed.done, speed.units) if speed else (0, 0)

    @property
    def segment_seconds(self) -> float | None:
        """How long one segment takes; ``None`` before its main phase is measured."""
        main = self.phases.get(self.main)
        if main is None or main.unit_seconds is None:
            return None
        return sum((speed.unit_seconds or 0.0) * speed.units for speed in self.phases.values())

    @property
    def seconds_per_frame(self) -> float | None:
        """Seconds per frame of the result."""
        if self.segment_seconds is None or not self.frames:
            return None
        return self.segment_seconds * self.segments / self.frames

    def ahead(self, now: float) -> float:
        """Seconds of work that the batch which is being denoised has probably got done at ``now``."""
        if not self.in_flight:
            return 0.0
        return min(max(0.0, now - self._since), MOST_AHEAD * self.in_flight * self._likely_unit_seconds)

    @property
    def _likely_unit_seconds(self) -> float:
        """Seconds per tile: measured, or as planned."""
        speed = self.phases.get("sample", PhaseSpeed())
        if speed.unit_seconds is not None or self.planned_seconds is None:
            return speed.unit_seconds or 0.0
        return self.planned_seconds / max(1, speed.units * self.segments)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the job is done, as of the last event; the plan's estimate until something is measured."""
        if self.segment >= self.segments:
            return 0.0
        if self.segment_seconds is None:
            return self._planned_left
        here = sum((speed.unit_seconds or 0.0) * (speed.units - speed.done) for speed in self.phases.values())
        return here + self.segment_seconds * (self.segments - self.segment - 1)

    @property
    def _planned_left(self) -> float | None:
        """What is left of the plan's estimate after frames were prepared, which for large ones takes long, too."""
        if self.planned_seconds is None:
            return None
        spent = sum(speed.seconds for phase, speed in self.phases.items() if phase != self.main)
        return self.planned_seconds - min(spent, MOST_BEFORE * self.planned_seconds)

    def seconds_left_at(self, now: float) -> float | None:
        """`seconds_left` at ``now``, with the batch that is being denoised."""
        left = self.seconds_left
        return None if left is None else max(0.0, left - self.ahead(now))

    def share_at(self, now: float) -> float:
        """Share of the job that is done at ``now``, 0 … 1, by measured time, or as planned until something is measured."""
        left = self.seconds_left_at(now)
        whole = self.planned_seconds if self.segment_seconds is None else self.segment_seconds * self.segments
        if left is None or not whole:
            return 0.0
        return min(1.0, max(0.0, 1 - left / whole))

    @property
    def share(self) -> float:
        """Share of the job that is done as of the last event, 0 … 1."""
        return self.share_at(self._since)
