import pytest

from app.engine.eta import ProgressEstimator
from dcvsr_engine.events import FrameDone, MemoryUsed, PhaseStarted, SegmentFinished, TileFinished, TileStarted


def sample(
    pace: ProgressEstimator,
    segment: int,
    now: float,
    tiles: int = 10,
    seconds: float = 2.0,
    segments: int = 2,
    last: int | None = None,
):
    pace.on_event(PhaseStarted("sample", segment, segments, tiles), now)
    for done in range(1, (last or tiles) + 1):
        now += seconds
        pace.on_event(TileFinished(0, 0, done, tiles, seconds), now)
    return now


def test_before_anything_is_measured_the_plan_speaks():
    assert ProgressEstimator(frames=8, planned_seconds=99.0).seconds_left == 99.0
    assert ProgressEstimator(frames=8).seconds_left is None
    assert ProgressEstimator(frames=8).seconds_per_frame is None
    assert ProgressEstimator(frames=8).share == 0


def test_one_tile_is_not_enough_to_tell():
    pace = ProgressEstimator(frames=8, planned_seconds=99.0)
    sample(pace, 0, 0.0, last=1)
    assert pace.seconds_left == 99.0


def test_preparing_frames_takes_from_the_planned_time_but_not_all_of_it():
    pace = ProgressEstimator(frames=10, planned_seconds=100.0)
    pace.on_event(PhaseStarted("encode", 0, 1, 10), 0.0)
    pace.on_event(FrameDone(1, 10), 10.0)
    pace.on_event(FrameDone(2, 10), 20.0)
    assert pace.seconds_left == pytest.approx(80) and pace.share == pytest.approx(0.2)
    pace.on_event(FrameDone(9, 10), 90.0)
    assert pace.seconds_left == pytest.approx(50) and pace.share == pytest.approx(0.5)
    assert ProgressEstimator(frames=10, phases=pace.phases).seconds_left is None


def test_what_is_left_counts_the_rest_of_this_segment_and_the_others():
    pace = ProgressEstimator(frames=8)
    sample(pace, 0, 0.0, last=4)
    assert pace.seconds_left == pytest.approx(6 * 2 + 10 * 2)
    assert pace.seconds_per_frame == pytest.approx(2 * 10 * 2 / 8)
    assert pace.share == pytest.approx(8 / 40)


def test_phases_measured_in_an_earlier_segment_are_expected_again():
    pace = ProgressEstimator(frames=8)
    now = sample(pace, 0, 0.0)
    pace.on_event(PhaseStarted("decode", 0, 2, 4), now)
    for done in range(1, 5):
        now += 1
        pace.on_event(FrameDone(done, 4), now)
    pace.on_event(SegmentFinished(0, 2), now)
    assert pace.seconds_left == pytest.approx(24)
    sample(pace, 1, now, last=5)
    assert pace.seconds_left == pytest.approx(10 + 4)


def test_tiles_of_a_batch_come_together_and_count_each():
    pace = ProgressEstimator(frames=8, segments=1)
    pace.on_event(PhaseStarted("sample", 0, 1, 8), 0.0)
    for done in range(1, 5):
        pace.on_event(TileFinished(0, 0, done, 8, 1.0), 4.0)
    assert pace.seconds_left == pytest.approx(4.0)


def test_a_resumed_segment_does_not_seem_fast():
    pace = ProgressEstimator(frames=8, segments=1)
    pace.on_event(PhaseStarted("sample", 0, 1, 20), 0.0)
    pace.on_event(TileFinished(0, 0, 11, 20, 3.0), 3.0)
    pace.on_event(TileFinished(0, 0, 12, 20, 3.0), 6.0)
    assert pace.seconds_left == pytest.approx(8 * 3)


def test_a_pause_is_not_measured():
    pace = ProgressEstimator(frames=8)
    now = sample(pace, 0, 0.0, last=4)
    pace.skip_pause(1000.0)
    pace.on_event(TileFinished(0, 0, 5, 10, 2.0), now + 1002)
    assert pace.seconds_left == pytest.approx(5 * 2 + 20)


def test_at_the_end_nothing_is_left_even_while_it_is_published():
    pace = ProgressEstimator(frames=8)
    now = sample(pace, 0, 0.0)
    now = sample(pace, 1, now)
    pace.on_event(SegmentFinished(1, 2), now)
    pace.on_event(PhaseStarted("publish", 1, 2, 1), now)
    pace.on_event(MemoryUsed("host", 1, 2), now)
    assert pace.seconds_left == 0
    assert pace.share == 1


def test_a_batch_of_tiles_moves_the_share_before_it_is_done():
    pace = ProgressEstimator(frames=8, planned_seconds=100.0)
    pace.on_event(PhaseStarted("sample", 0, 1, 10), 0.0)
    for m in range(5):
        pace.on_event(TileStarted(m, 0), 0.0)
    assert pace.share_at(0.0) == 0
    assert pace.share_at(20.0) == pytest.approx(0.2) and pace.seconds_left_at(20.0) == pytest.approx(80)
    assert pace.share_at(900.0) < 0.5, "no more than the batch"
    for done in range(1, 6):
        pace.on_event(TileFinished(0, 0, done, 10, 8.0), 40.0)
    assert pace.share == pytest.approx(0.5) and pace.share_at(99.0) == pytest.approx(0.5)


def test_a_farm_counts_frames_of_whole_segments():
    """As `farm.run` tells them: one phase, and what is finished so far, again and again."""
    estimator = ProgressEstimator()
    estimator.on_event(PhaseStarted("sample", 0, 1, 100), 0.0)
    for done, now in ((0, 1.0), (0, 10.0), (20, 20.0), (20, 30.0), (40, 40.0)):
        estimator.on_event(FrameDone(done, 100), now)
    assert estimator.share == pytest.approx(0.4) and estimator.seconds_left_at(40.0) == pytest.approx(60.0)
