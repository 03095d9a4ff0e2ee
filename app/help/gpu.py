"""Help ▸ Use my GPU: explains, installs and removes."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.system.background_work import BackgroundWork, Progressed, WorkFunction
from app.widgets.appearance import color_text, tones
from app.widgets.engine_words import engine_words
from app.widgets.formats import amount, shortened
from app.widgets.plain import plain_buttons, plain_label
from dcvsr_engine.gpu import switch
from dcvsr_engine.gpu.detect import Gpu, detect_gpu
from dcvsr_engine.gpu.install import InstallProgress, install_cuda_build
from dcvsr_engine.gpu.switch import Build

GPU_WIDTH = 560


@dataclass(frozen=True)
class GpuState:
    """GPU, the build that is switched on, and the bytes that it and interrupted downloads take."""

    gpu: Gpu | None
    build: Build | None
    size: int


def gpu_state(progress: InstallProgress) -> GpuState:
    """The state now."""
    return GpuState(detect_gpu(), switch.switched_on(), switch.size_of_builds())


class GpuDialog(QDialog):
    """Shows the state, installs, removes.

    Attributes:
        state: GPU and build, once they are known.
        install_button, remove_button, stop_button: what can be done.
        message: how it went.
    """

    def __init__(self, device: str = "", parent: QWidget | None = None) -> None:
        """``device`` is the GPU that the engine uses already, if it does."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Use my GPU"))
        self._device = device
        self._work: BackgroundWork | None = None
        self._looking = False
        self.state: GpuState | None = None
        self.gpu, self.torch = plain_label("…"), plain_label("…")
        for label, name in ((self.gpu, self.tr("GPU")), (self.torch, self.tr("PyTorch"))):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAccessibleName(name)
        self.index = QLineEdit()
        self.index.setAccessibleName(self.tr("Package index"))
        self.index.setPlaceholderText(self.tr("only those configured for pip"))
        self.index.setToolTip(self.tr("Address of a further package index that has CUDA builds of PyTorch for this system."))
        self.message = plain_label()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setAccessibleName(self.tr("Progress"))
        self.bar.setTextVisible(False)
        self.bar.hide()
        self._lay_out()
        self._look()

    def _lay_out(self) -> None:
        text = QLabel(self._explanation())
        text.setWordWrap(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setHorizontalSpacing(16)
        form.addRow(self.tr("GPU"), self.gpu)
        form.addRow(self.tr("PyTorch"), self.torch)
        form.addRow(self.tr("Package &index"), self.index)
        self.buttons = plain_buttons(QDialogButtonBox(QDialogButtonBox.StandardButton.Close))
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.install_button: QPushButton = self.buttons.addButton(self.tr("&Install"), role)
        self.remove_button: QPushButton = self.buttons.addButton(self.tr("&Remove"), role)
        self.stop_button: QPushButton = self.buttons.addButton(self.tr("&Stop"), role)
        self.install_button.clicked.connect(self.install)
        self.remove_button.clicked.connect(self.remove)
        self.stop_button.clicked.connect(self.stop)
        self.buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addWidget(text)
        column.addLayout(form)
        column.addWidget(self.bar)
        column.addWidget(self.message)
        column.addStretch(1)
        column.addWidget(self.buttons)
        self.setMinimumWidth(GPU_WIDTH)

    def _explanation(self) -> str:
        if sys.platform == "darwin":
            return self.tr("On a Mac there is nothing to install: the program uses Apple's GPU by itself.")
        return self.tr(
            "The program computes on the processor, which works everywhere but is slow. With an NVIDIA GPU it can fetch a "
            "CUDA build of PyTorch, several gigabytes, into a folder of its own; nothing else on this computer is changed."
        )

    # -- state -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._looking = True
        self._start(gpu_state, self._show_state)

    def _show_state(self, state: object) -> None:
        assert isinstance(state, GpuState)
        self.state = state
        gpu, build = state.gpu, state.build
        if gpu is None:
            self.gpu.setText(self.tr("There is no NVIDIA GPU with a driver in this computer."))
        else:
            facts = (gpu.driver and self.tr("driver {version}").format(version=gpu.driver), gpu.memory and amount(gpu.memory))
            self.gpu.setText(", ".join(str(fact) for fact in (gpu.name, *facts) if fact))
        if build is not None:
            text = self.tr("{version} for CUDA {cuda}, {size} in {folder}")
            folder = shortened(switch.gpu_folder() / build.folder)
            self.torch.setText(text.format(version=build.torch, cuda=build.cuda, size=amount(state.size), folder=folder))
        elif self._device:
            self.torch.setText(self.tr("The bundled build already uses {gpu}.").format(gpu=self._device))
        else:
            self.torch.setText(self.tr("the bundled build"))
        self._allow()

    def _allow(self) -> None:
        """Offer what can be done now."""
        working, state = self._work is not None, self.state
        useful = state is not None and state.gpu is not None and state.build is None and not self._device
        self.install_button.setEnabled(useful and not working)
        self.index.setEnabled(useful and not working)
        self.remove_button.setEnabled(state is not None and state.size > 0 and not working)
        self.stop_button.setEnabled(working)
        self.bar.setVisible(working)

    # -- what is done -------------------------------------------------------------------------------------------

    def install(self) -> None:
        """Fetch a CUDA build and switch it on."""
        self.message.clear()
        index = self.index.text().strip()
        self._start(lambda progress: install_cuda_build(progress, index), self._on_installed)

    def remove(self) -> None:
        """Switch it off and delete it."""
        self.message.clear()
        self._start(lambda progress: switch.remove_build(), self._on_removed)

    def stop(self) -> None:
        """Stop the installation or removal; downloaded files are kept."""
        if self._work is not None:
            self._work.cancel()

    def _start(self, job: WorkFunction, done: Callable[..., None]) -> None:
        self._work = work = BackgroundWork("", job, self)
        self.bar.setRange(0, 0)
        work.progressed.connect(self._on_progress)
        work.failed.connect(self._on_failed)
        work.unexpected.connect(self._on_failed)
        work.succeeded.connect(done)
        work.finished.connect(self._on_ended)
        work.start()
        self._allow()

    def _on_progress(self, progress: Progressed) -> None:
        self._say(f"{progress.what} …")
        self.bar.setRange(0, progress.total)
        self.bar.setValue(progress.done)

    def _on_installed(self, build: object) -> None:
        assert isinstance(build, Build)
        text = self.tr("It works. From the next start, the engine uses {gpu}.")
        self._say(text.format(gpu=build.device), "good")

    def _on_removed(self) -> None:
        self._say(self.tr("Removed. From the next start, the engine uses the processor."))

    def _on_failed(self, error: object) -> None:
        """``None`` when the user stopped it."""
        if error is None:
            self._say(self.tr("Stopped. Downloaded files are kept for the next try."))
        else:
            self._say(str(error), "bad")

    def _on_ended(self) -> None:
        """Look up the state again after an installation or removal."""
        looked, self._looking = self._looking, False
        self._work = None
        self._allow()
        # the look itself ends here too, and must not lead to the next
        if not looked and self.isVisible():
            self._look()

    def _say(self, text: str, tone: str = "") -> None:
        palette = self.palette()
        color_text(self.message, getattr(tones(palette), tone) if tone else palette.windowText().color())
        self.message.setText(engine_words(text))
        self.message.setAccessibleDescription(text)

    def done(self, result: int) -> None:
        """End the running work with the dialog."""
        if self._work is not None:
            self._work.stop()
        super().done(result)
