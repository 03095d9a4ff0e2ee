"""Help ▸ Use my GPU: what it says and does. The installation itself is tested in tests/dcvsr_engine/gpu."""

import threading

import pytest

from app.engine.thread import EngineDied
from app.help import gpu as page
from app.help.gpu import GpuDialog
from dcvsr_engine.errors import AcceleratorError
from dcvsr_engine.gpu import switch
from dcvsr_engine.gpu.detect import Gpu
from dcvsr_engine.gpu.switch import Build

CARD = Gpu("Pretend GPU", "570.12", 8 << 30)


@pytest.fixture(autouse=True)
def computer(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(page, "detect_gpu", lambda: CARD)


@pytest.fixture
def open_page(qtbot):
    def open_(device: str = "") -> GpuDialog:
        dialog = GpuDialog(device)
        dialog.open()
        qtbot.waitUntil(lambda: dialog.state is not None and not dialog.stop_button.isEnabled())
        return dialog

    return open_


def build() -> Build:
    return Build("torch-x", f"{switch.wanted_version()}+cu130", "13.0", "Pretend GPU", switch.this_python())


def test_without_a_gpu_it_says_so_plainly(open_page, monkeypatch):
    monkeypatch.setattr(page, "detect_gpu", lambda: None)
    dialog = open_page()
    assert dialog.gpu.text() == "There is no NVIDIA GPU with a driver in this computer."
    assert not dialog.install_button.isEnabled() and not dialog.remove_button.isEnabled()
    dialog.reject()


def test_a_gpu_that_is_used_already_needs_nothing(open_page):
    dialog = open_page("Pretend GPU")
    assert "already uses Pretend GPU" in dialog.torch.text() and not dialog.install_button.isEnabled()
    dialog.reject()


def test_it_installs_shows_how_far_it_is_and_removes(open_page, monkeypatch, qtbot):
    go_on, asked = threading.Event(), []

    def install(progress, index):
        asked.append(index)
        progress("Downloading torch", 300, 2000)
        go_on.wait(120)
        (switch.gpu_folder() / "torch-x").mkdir(parents=True)
        (switch.gpu_folder() / "torch-x" / "file").write_text("x" * 5000)
        switch.switch_on(build())
        return build()

    monkeypatch.setattr(page, "install_cuda_build", install)
    dialog = open_page()
    assert dialog.gpu.text() == "Pretend GPU, driver 570.12, 8 GB"
    assert dialog.gpu.width() > dialog.width() / 2, "the text is cut off"
    dialog.index.setText(" http://localhost/simple ")
    dialog.install_button.click()
    qtbot.waitUntil(lambda: dialog.bar.value() == 300)
    assert dialog.bar.maximum() == 2000 and dialog.message.text() == "Downloading torch …"
    assert not dialog.install_button.isEnabled() and dialog.stop_button.isEnabled()
    go_on.set()
    qtbot.waitUntil(dialog.remove_button.isEnabled)
    assert asked == ["http://localhost/simple"]
    assert "From the next start" in dialog.message.text() and "for CUDA 13.0" in dialog.torch.text()
    assert not dialog.install_button.isEnabled()
    dialog.remove_button.click()
    qtbot.waitUntil(dialog.install_button.isEnabled)
    assert "Removed" in dialog.message.text() and not switch.gpu_folder().exists()
    dialog.reject()


def test_when_the_engine_goes_on_without_it_that_is_said(open_window):
    window = open_window(start=False)
    window.runner.died.emit(EngineDied(1, fell_back=True), None)
    assert "does not start (exit code 1); the engine runs without the GPU" in window.notices.text
    window.notices.buttons[0].click()
    assert isinstance(window.help.dialog, GpuDialog)
    window.session.quit_now()  # ends what the dialog does


def test_what_goes_wrong_is_said_and_it_can_be_stopped(open_page, monkeypatch, qtbot):
    def refuse(progress, index):
        raise AcceleratorError("There is no room.")

    def endless(progress, index):
        while True:
            progress("Downloading torch", 0, 0)

    monkeypatch.setattr(page, "install_cuda_build", refuse)
    dialog = open_page()
    dialog.install_button.click()
    qtbot.waitUntil(lambda: dialog.install_button.isEnabled() and dialog.message.text() != "")
    assert dialog.message.text() == "There is no room."
    monkeypatch.setattr(page, "install_cuda_build", endless)
    dialog.install_button.click()
    qtbot.waitUntil(dialog.stop_button.isEnabled)
    dialog.stop_button.click()
    qtbot.waitUntil(lambda: dialog.message.text().startswith("Stopped"))
    dialog.install_button.click()
    dialog.reject()  # closing ends what is being done; a thread left behind would fail the test
