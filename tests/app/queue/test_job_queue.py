import json
from pathlib import Path

import pytest

from app.queue.job_queue import JobQueue, QueueItem
from dcvsr_engine.planning.request import JobRequest
from dcvsr_engine.settings import RestoreSettings


def item(name: str, **values) -> QueueItem:
    return QueueItem(JobRequest(source=Path(name)), **values)


def names(queue: JobQueue) -> list[str]:
    return [entry.request.source.name for entry in queue]


def test_items_are_moved_to_where_they_are_put():
    queue = JobQueue(item(name) for name in "abcd")
    queue.move(0, 2)
    assert names(queue) == ["b", "c", "a", "d"]
    queue.move(3, 0)
    assert names(queue) == ["d", "b", "c", "a"]


def test_the_first_waiting_item_is_next():
    queue = JobQueue([item("a", state="done"), item("b"), item("c")])
    assert queue.first("waiting").request.source.name == "b"
    assert queue.first("running") is None


def test_a_queue_is_read_back_as_it_was(tmp_path):
    request = JobRequest(source=Path("b.mp4"), target=Path("out.mkv"), settings=RestoreSettings(steps=7), frames=(3, 9))
    queue = JobQueue(
        [item("a"), QueueItem(request, state="failed", message="No.", folder=Path("job"), size=(64, 48), seconds=2.5)]
    )
    queue.save(tmp_path / "deep" / "queue.json")
    assert list(JobQueue.load(tmp_path / "deep" / "queue.json")) == list(queue)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["queue.json"]


def test_what_was_running_is_interrupted_and_can_be_resumed_if_something_is_finished(tmp_path):
    for folder, kept in (("unit", "unit-00000.video"), ("state", "state-00000-0003.hash.safetensors"), ("none", "job.json")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / kept).touch()
    folders = [tmp_path / "unit", tmp_path / "state", tmp_path / "none", tmp_path / "gone", None]
    JobQueue([item("a", state="running", folder=folder) for folder in folders]).save(tmp_path / "queue.json")
    items = list(JobQueue.load(tmp_path / "queue.json"))
    assert {each.state for each in items} == {"interrupted"}
    assert [each.can_resume for each in items] == [True, True, False, False, False]


def test_no_file_is_an_empty_queue(tmp_path):
    assert len(JobQueue.load(tmp_path / "queue.json")) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "7",
        "[7]",
        '[{"request": {}}]',
        '[{"colour": 1}]',
        json.dumps([{"request": {"source": "a", "settings": {"steps": -1}}}]),
    ],
)
def test_a_damaged_file_is_told_from_a_missing_one(tmp_path, text):
    (tmp_path / "queue.json").write_text(text)
    with pytest.raises(ValueError):
        JobQueue.load(tmp_path / "queue.json")


def test_an_unknown_item_has_no_row():
    queue = JobQueue([item("a")])
    assert queue[0].id in queue
    with pytest.raises(KeyError):
        queue.row("nobody")
