import pytest
from fake_farm import IDLE, VERSIONS, WORKING
from PySide6.QtGui import QGuiApplication

from app.farm import dialog as module
from app.farm.dialog import FarmDialog
from app.farm.link import FarmView
from app.farm.status import FarmRow
from dcvsr_engine.farm.address import token


@pytest.fixture
def dialog(link, qtbot):
    dialog = FarmDialog(link, lambda: VERSIONS)
    dialog.show()
    yield dialog
    dialog.reject()
    dialog.deleteLater()


def cells(dialog):
    return [
        [item.text(column) for column in range(dialog.table.columnCount())]
        for item in (dialog.table.topLevelItem(row) for row in range(dialog.table.topLevelItemCount()))
    ]


def view(*rows, state="in", address="10.0.0.1:6380", problem=""):
    return FarmView(state, address, problem, tuple(FarmRow.from_dict(row) for row in rows))


def test_a_farm_is_started_shows_what_each_device_does_and_is_left(dialog, farm, soon):
    farm.say(IDLE, WORKING, IDLE | {"state": "silent", "memory": 0}, WORKING | {"phase": "waits", "unit": None, "total": None})
    dialog.start_button.click()
    assert not dialog.start_button.isEnabled() and not dialog.connect_button.isEnabled()
    soon(lambda: dialog.table.topLevelItemCount() == 4)
    versions = "dcvsr 0.1.0, Ray 2.60.0, Python 3.12.3, PyTorch 2.13.0"
    assert cells(dialog)[:2] == [
        ["box-1", "processor, 8 threads", "16 GB", "idle", versions],
        ["box-2", "NVIDIA GeForce RTX 4090", "24 GB", "film.mkv · restoring 12/40 · segment 3/20", versions],
    ]
    assert [row[3] for row in cells(dialog)[2:]] == ["does not answer", "film.mkv · waits for others"] and cells(dialog)[2][
        2
    ] == "–"
    dialog.leave_button.click()
    soon(dialog.start_button.isEnabled)
    assert not cells(dialog) and "in no farm" in dialog.message.text()


def test_the_command_for_others_is_copied_with_the_token_that_is_not_shown(dialog, link):
    token("secret")
    link._show(view(IDLE))
    assert dialog.joining.isVisible() and "secret" not in dialog.join_field.text()
    dialog.copy_button.click()
    assert QGuiApplication.clipboard().text() == "dcvsr farm join 10.0.0.1:6380 --token secret"


def test_a_farm_for_this_computer_only_says_how_others_could_join(dialog, link):
    link._show(view(IDLE, address="127.0.0.1:6380"))
    assert not dialog.joining.isVisible() and "Others cannot join" in dialog.message.text()


def test_connecting_needs_an_address_and_hands_on_the_token(dialog, farm, soon, link):
    assert not dialog.connect_button.isEnabled()
    dialog.address_field.setText(" box ")
    dialog.token_field.setText("secret")
    dialog.works_box.setChecked(False)
    dialog.connect_button.click()
    soon(lambda: link.view.state == "in")
    assert farm.words == ["join box:6380 --devices 0 --json --attached"] and farm.token == "secret"


def test_a_problem_is_shown_in_place_of_anything_else(dialog, farm, soon):
    farm.refuse("There is no farm at box:6380.")
    dialog.address_field.setText("box")
    dialog.connect_to()
    soon(lambda: dialog.message.text() == "There is no farm at box:6380.")
    assert dialog.connect_button.isEnabled()


def test_other_versions_are_one_sentence_and_marked(dialog, link):
    link._show(view(IDLE, WORKING | {"versions": VERSIONS | {"Ray": "2.1", "Python": "3.11.2"}}))
    assert "Ray 2.1 ≠ 2.60.0, Python 3.11.2 ≠ 3.12.3" in dialog.message.text()
    marked = [dialog.table.topLevelItem(row).foreground(4).color() for row in (0, 1)]
    assert marked[0] != marked[1]


@pytest.mark.parametrize("frozen, words", [(False, "pip install .[farm]"), (True, "This bundle cannot be in a farm")])
def test_without_ray_it_says_how_to_get_it_and_offers_nothing(link, qtbot, monkeypatch, frozen, words):
    monkeypatch.setattr(module, "has_ray", lambda: False)
    monkeypatch.setattr(module.sys, "frozen", frozen, raising=False)
    dialog = FarmDialog(link, lambda: VERSIONS)
    assert words in dialog.message.text()
    assert not any(part.isEnabled() for part in (dialog.start_button, dialog.connect_button, dialog.address_field))
    dialog.deleteLater()


def test_where_ray_joins_no_computers_it_says_so_and_offers_no_address_to_others(link, qtbot, monkeypatch):
    monkeypatch.setattr(module, "SEVERAL_COMPUTERS", False)
    dialog = FarmDialog(link, lambda: VERSIONS)
    assert dialog.listen_box.count() == 1 and "only on Linux" in dialog.explanation.text()
    dialog.deleteLater()
