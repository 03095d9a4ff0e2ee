"""How fast a job runs and how long it will take, from what has been measured. Without Qt."""

from dataclasses import dataclass, field

from dcvsr_engine.events import Event, FrameDone, Phase, PhaseStarted, SegmentFinished, TileFinished

FIRST_UNITS = 2
"""Units to wait for before a phase's speed is used: the first one also warms up."""


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

    def begin(self, units: int) -> None:
        """Begin a segment of so many units."""
        self.units, self.done = units, 0

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
    """

    frames: int = 0
    planned_seconds: float | None = None
    segment: int = 0
    segments: int = 1
    phase: Phase | None = None
    phases: dict[Phase, PhaseSpeed] = field(default_factory=dict)
    _since: float = 0.0

    def on_event(self, event: Event, now: float) -> None:
        """Take note of an event that came at ``now`` (seconds of any steady clock)."""
        match event:
            case PhaseStarted(phase, segment, segments, total):
                self._reach(segment)
                self.phase = phase
                self.segments = max(self.segments, segments)
                self.phases.setdefault(phase, PhaseSpeed()).begin(total)
                self._since = now
            case TileFinished(done=done) if self.phase:
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
        """How long one segment takes; ``None`` before its sampling is measured."""
        sampling = self.phases.get("sample")
        if sampling is None or sampling.unit_seconds is None:
            return None
        return sum((speed.unit_seconds or 0.0) * speed.units for speed in self.phases.values())

    @property
    def seconds_per_frame(self) -> float | None:
        """Seconds per frame of the result."""
        if self.segment_seconds is None or not self.frames:
            return None
        return self.segment_seconds * self.segments / self.frames

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the job is done; the plan's estimate until something is measured."""
        if self.segment >= self.segments:
            return 0.0
        if self.segment_seconds is None:
            return self.planned_seconds
        here = sum((speed.unit_seconds or 0.0) * (speed.units - speed.done) for speed in self.phases.values())
        return here + self.segment_seconds * (self.segments - self.segment - 1)

    @property
    def share(self) -> float:
        """Share of the job that is done, 0 … 1, by measured time."""
        left, whole = self.seconds_left, self.segment_seconds
        if left is None or not whole:
            return 0.0
        return min(1.0, max(0.0, 1 - left / (whole * self.segments)))
