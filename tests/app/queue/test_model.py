from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QModelIndex, Qt, QUrl

from app.queue.job_queue import JobQueue, QueueItem
from app.queue.model import ITEM_ROLE, QueueModel
from dcvsr_engine.planning.request import JobRequest


def item(name: str, **values) -> QueueItem:
    return QueueItem(JobRequest(source=Path("clips") / name), id=name, **values)


@pytest.fixture
def model(qapp, tmp_path):
    model = QueueModel(JobQueue(item(name) for name in "abcd"), tmp_path / "queue.json")
    yield model
    model.save()


def names(model: QueueModel) -> str:
    return "".join(model.index(row).data() for row in range(model.rowCount()))


def test_it_is_a_proper_qt_model(model, qtmodeltester):
    qtmodeltester.check(model, force_py=True)


@pytest.mark.parametrize(
    ("row", "to", "result"), [(0, 2, "bcad"), (3, 0, "dabc"), (1, 1, "abcd"), (2, 99, "abdc"), (2, -5, "cabd")]
)
def test_rows_move(model, row, to, result):
    model.move(row, to)
    assert names(model) == result


@pytest.mark.parametrize(
    ("dragged", "before", "result"), [(0, 2, "bacd"), (3, 1, "adbc"), (0, 4, "bcda"), (1, 1, "abcd"), (1, -1, "acdb")]
)
def test_a_dragged_row_lands_where_it_is_dropped(model, dragged, before, result):
    mime = model.mimeData([model.index(dragged)])
    model.dropMimeData(mime, Qt.DropAction.MoveAction, before, 0, QModelIndex())
    assert names(model) == result


def test_dropped_files_are_passed_on(model, qtbot, tmp_path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "ä b.mp4")), QUrl("https://example.org/c.mp4")])
    with qtbot.waitSignal(model.files_dropped) as dropped:
        assert model.dropMimeData(mime, Qt.DropAction.CopyAction, -1, -1, QModelIndex())
    assert dropped.args == [[tmp_path / "ä b.mp4"]]


def test_changes_are_saved_by_themselves(model, tmp_path, qtbot):
    model.add(item("e"))
    model.remove("b")
    qtbot.waitUntil((tmp_path / "queue.json").exists)
    assert [entry.id for entry in JobQueue.load(tmp_path / "queue.json")] == list("acde")


def test_a_state_is_saved_at_once(model, tmp_path):
    model.set_state("c", "running", folder=tmp_path)
    assert JobQueue.load(tmp_path / "queue.json").first("interrupted").id == "c"


def test_progress_is_not_worth_a_file(model, qtbot):
    with qtbot.assertNotEmitted(model.item_changed):
        model.change("a", progress=0.5)
    assert model.index(0).data(ITEM_ROLE).progress == 0.5


def test_a_full_disk_does_not_stop_the_program(qapp, tmp_path, caplog):
    (tmp_path / "queue.json").mkdir()
    (tmp_path / "queue.json" / "occupied").touch()
    model = QueueModel(JobQueue([item("a")]), tmp_path / "file" / "queue.json")
    (tmp_path / "file").touch()
    model.save()
    assert "could not be saved" in caplog.text


def test_a_screen_reader_hears_name_and_state(model):
    model.set_state("a", "failed", message="No space.")
    assert model.index(0).data(Qt.ItemDataRole.AccessibleTextRole) == "a, failed"
    assert "No space." in model.index(0).data(Qt.ItemDataRole.ToolTipRole)


def test_a_removed_item_is_put_in_again_where_it_was(model):
    ids = [item.id for item in model.queue]
    row, item = model.remove(ids[0])
    assert (row, item.id) == (0, ids[0])
    model.insert(row, item)
    assert [item.id for item in model.queue] == ids
    assert model.insert(99, model.remove(ids[0])[1]).row() == len(ids) - 1
