"""The models window against an imitated hub: download with licence and token, cancel, resume, import, verify, remove, default."""

import json

import hub as hubs
import huggingface_hub
import keyring
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMessageBox

from app.models.dialog import ModelsDialog, looks_like_a_model
from app.models.licence import LicenceDialog, TokenDialog
from app.system.preferences import Preferences
from dcvsr_engine.models import catalogue, tokens
from dcvsr_engine.models.registry import default_model
from dcvsr_engine.paths import models_folder
from dcvsr_engine.resources import resource

BASE = "stable-video-diffusion-img2vid"


def weights(count):
    """A safetensors file with one tensor of zeros."""
    header = json.dumps({"decoder.x": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4 * count)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A user without models, tokens or keyring."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tokens, "_session", {})
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    monkeypatch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)
    return tmp_path / "home" / "dcvsr-studio" / "models"


@pytest.fixture
def hub(monkeypatch):
    """The base's repository, with an autoencoder of one number."""
    files = {"model_index.json": b"{}", "vae/config.json": b"{}"}
    files["vae/diffusion_pytorch_model.safetensors"] = weights(2**16)
    imitation = hubs.Hub({catalogue.entry_of(BASE).repository: files})
    end = imitation.start()
    monkeypatch.setenv("HF_ENDPOINT", imitation.address)
    yield imitation
    end()


@pytest.fixture
def dialog(qtbot, tmp_path):
    window = ModelsDialog(Preferences(tmp_path / "studio.ini"))
    qtbot.addWidget(window)
    window.show()
    yield window
    window.stop()


@pytest.fixture
def idle(qtbot, dialog):
    """Wait until nothing runs."""
    return lambda: qtbot.waitUntil(lambda: dialog.work is None)


def choose(dialog, name):
    dialog.reload(name)
    return dialog


def state(dialog, name):
    return next(dialog.table.topLevelItem(index).text(4) for index, row in enumerate(dialog._rows) if row.name == name)


def child(dialog, kind):
    return next(found for found in dialog.findChildren(kind) if found.isVisible())


def accept_licence(dialog):
    choose(dialog, BASE).download_button.click()
    licence = child(dialog, LicenceDialog)
    assert not licence.download_button.isEnabled()
    licence.accept_box.setChecked(True)
    licence.download_button.click()


def test_what_a_person_sees_first(dialog):
    names = [dialog.table.topLevelItem(row).text(0) for row in range(dialog.table.topLevelItemCount())]
    assert names[0] == "Compact (built in)"
    assert "default" in state(dialog, "compact")
    assert not dialog.download_button.isEnabled() and not dialog.remove_button.isEnabled()
    assert not dialog.bar.isVisible()
    choose(dialog, BASE)
    assert "Stability AI Community License" in dialog.facts.toPlainText()
    assert dialog.download_button.isEnabled() and not dialog.use_button.isEnabled()


def test_a_download_asks_for_licence_and_token_and_tells_how_it_went(dialog, hub, idle, home):
    hub.token = "hf_secret"
    accept_licence(dialog)
    idle()
    question = child(dialog, TokenDialog)
    assert question.field.echoMode() == question.field.EchoMode.Password
    question.field.setText("hf_secret")
    question.accept()
    assert dialog.work is not None and dialog.cancel_button.isVisible()
    idle()
    assert "is downloaded" in dialog.message.text()
    assert state(dialog, BASE) == "base of other models"
    assert not any(b"hf_secret" in path.read_bytes() for path in home.parents[1].rglob("*") if path.is_file())


def test_a_refused_licence_downloads_nothing(dialog, hub):
    choose(dialog, BASE).download_button.click()
    child(dialog, LicenceDialog).reject()
    assert dialog.work is None and hub.requests == []


def test_cancel_resume_and_remove(dialog, hub, idle, qtbot, monkeypatch):
    hub.seconds, hub.piece = 0.05, 128  # it would take minutes
    accept_licence(dialog)
    qtbot.waitUntil(lambda: dialog.bar.value() > 0)
    dialog.cancel_button.click()
    idle()
    assert "was cancelled" in dialog.message.text()
    assert "% downloaded" in state(dialog, BASE)
    assert dialog.download_button.text() == "Resume"
    hub.seconds, hub.piece = 0.0, 2**14
    dialog.download_button.click()
    idle()
    assert any(range_ for _, range_ in hub.requests)
    assert state(dialog, BASE) == "base of other models"
    dialog.remove_button.click()
    box = child(dialog, QMessageBox)
    next(button for button in box.buttons() if button.text() == "Remove").click()
    assert state(dialog, BASE) == "can be downloaded"


def test_what_fails_is_one_sentence(dialog, idle, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    accept_licence(dialog)
    idle()
    assert "cannot be reached" in dialog.message.text()


def test_closing_during_a_download_ends_the_thread(dialog, hub, qtbot):
    hub.seconds, hub.piece = 0.05, 128  # it would take minutes
    accept_licence(dialog)
    qtbot.waitUntil(lambda: dialog.bar.value() > 0)
    work = dialog.work
    dialog.stop()
    assert work.isFinished()


def test_import_by_dropping_then_verify_default_and_use(dialog, idle, tmp_path, qtbot):
    folder = tmp_path / "mine"
    folder.mkdir()
    source = resource("models", "compact")
    for path in source.rglob("*"):
        if path.is_file():
            (folder / path.relative_to(source)).parent.mkdir(exist_ok=True)
            (folder / path.relative_to(source)).write_bytes(path.read_bytes())
    declared = (folder / "dcvsr.json").read_text()
    (folder / "dcvsr.json").write_text(
        declared.replace('"name": "compact"', '"name": "mine"').replace("Compact (built in)", "Mine")
    )
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(folder))])
    where = Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(dialog, QDragEnterEvent(QPoint(5, 5), *where))
    QApplication.sendEvent(dialog, QDropEvent(QPointF(5, 5), *where))
    idle()
    assert "mine is imported" in dialog.message.text()
    choose(dialog, "mine").verify_button.click()
    idle()
    assert "all files are unchanged" in dialog.message.text()
    with qtbot.waitSignal(dialog.use_requested) as used:
        dialog.default_button.click()
    assert used.args == ["mine"] and default_model() == "mine"
    assert "default" in state(dialog, "mine")
    weights = models_folder() / "mine" / "unet" / "config.json"
    weights.write_text(weights.read_text() + " ")
    dialog.verify_button.click()
    idle()
    assert "unet/config.json is not the file" in dialog.message.text()


def test_what_is_no_model_is_refused_with_the_reason(dialog, idle, tmp_path):
    (tmp_path / "x.ckpt").write_bytes(b"pickle")
    dialog.take(tmp_path / "x.ckpt")
    idle()
    assert "is a pickle" in dialog.message.text()


def test_a_model_is_told_from_a_clip(tmp_path):
    assert looks_like_a_model(resource("models", "compact"))
    assert looks_like_a_model(resource("models", "compact", "unet"))
    assert looks_like_a_model(tmp_path / "weights.safetensors")
    assert not looks_like_a_model(tmp_path)
    assert not looks_like_a_model(resource("clips", "sample.mp4"))


def test_a_damaged_catalogue_is_told(dialog, monkeypatch, tmp_path):
    monkeypatch.setattr(catalogue, "resource", lambda *parts: tmp_path / "none.json")
    dialog.reload()
    assert "is not understood" in dialog.message.text()
    assert not dialog.use_button.isEnabled() and dialog.import_button.isEnabled()
