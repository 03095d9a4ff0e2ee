"""Evaluations from clips to the report: resumed, never mixed, never faked."""

import base64
import io
import json
import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

from dcvsr_engine.control import Control
from dcvsr_engine.errors import Cancelled, JobError, ModelError, OutputError, SettingsError
from dcvsr_engine.research.evaluation import evaluate, scores
from dcvsr_engine.research.evaluation.clips import Preparation
from dcvsr_engine.research.evaluation.evaluate import Evaluation, open_folder, tiling_model, tiling_of
from dcvsr_engine.research.evaluation.methods import Bicubic, enlarge_bicubic, restoration
from dcvsr_engine.research.evaluation.report import write_report
from dcvsr_engine.research.evaluation.sets import ClipSet
from dcvsr_engine.research.evaluation.table import summary
from dcvsr_engine.research.pictures import save_pictures
from dcvsr_engine.settings import RestoreSettings

PREPARATION = Preparation(frames=3, crop=(96, 64))


@dataclass(frozen=True)
class Darker:
    """Bicubic, darker by some levels: a method whose PSNR is known to be worse."""

    name: str
    levels: int
    runs: list
    seconds: float | None = 2.5
    details = "bicubic, but darker"

    def identity(self):
        return {"levels": self.levels}

    def restore(self, low, target, control):
        control.check()
        self.runs.append(low.parent.name)
        save_pictures(np.maximum(enlarge_bicubic(low).astype(int) - self.levels, 0).astype(np.uint8), target)
        return self.seconds


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """PSNR and flicker only: the other metrics have tests of their own."""
    chosen = tuple(group for group in scores.ROW_GROUPS if group.rows[0].name in ("PSNR", "flicker"))
    monkeypatch.setattr(scores, "ROW_GROUPS", chosen)
    monkeypatch.setattr(evaluate, "ROWS", ("PSNR", "flicker"))


@pytest.fixture
def sets(moving, half_still, tmp_path):
    """A set of two clips."""
    save_pictures(moving, tmp_path / "data" / "moving")
    save_pictures(half_still, tmp_path / "data" / "half")
    return [ClipSet("data", {name: tmp_path / "data" / name for name in ("moving", "half")}, PREPARATION)]


@pytest.fixture
def evaluation(sets, tmp_path):
    """Makes an evaluation of bicubic and given methods in one folder."""

    def make(*methods, control=None, of=sets, again=False, two_seeds=False):
        folders = open_folder(tmp_path / "out", of)
        return Evaluation(folders, of, [Bicubic(), *methods], control or Control(), lambda line: None, again, two_seeds)

    return make


@pytest.fixture
def in_both_ways(sets):
    """The clips as undamaged originals, and as they are."""
    return [*sets, replace(sets[0], name="as they are", preparation=replace(PREPARATION, degradation="none"))]


def test_every_clip_and_method_is_measured(evaluation):
    table = evaluation(Darker("dark", 30, [])).run()
    assert list(table.sets["data"]) == ["moving", "half"] and table.methods == ("bicubic", "dark")
    for cells in table.sets["data"].values():
        assert cells["bicubic"]["PSNR"].value > cells["dark"]["PSNR"].value + 1
        assert cells["bicubic"]["seconds"].value > 0 and cells["dark"]["seconds"].value == 2.5


def test_a_continued_restoration_has_no_time(evaluation):
    cell = evaluation(Darker("dark", 30, [], seconds=None)).run().sets["data"]["half"]["dark"]
    assert cell["PSNR"].value > 10 and cell["seconds"].value is None and "interrupted" in cell["seconds"].reason


def test_sets_are_averaged_on_their_own_and_say_what_they_lack(evaluation, in_both_ways):
    method = Darker("dark", 30, [])
    evaluation(method).run()
    run = evaluation(method, of=in_both_ways)
    table = run.run()
    assert method.runs == ["moving", "half"] * 2
    assert table.mean("dark", "PSNR", "as they are").value is None and table.mean("dark", "flicker", "as they are").value
    assert table.mean("dark", "PSNR", "data").value > 10
    assert table.reasons() == ["PSNR (as they are): there is no undamaged clip to compare with"]
    page = write_report(run, table).read_text(encoding="utf-8")
    assert "PSNR (as they are): there is no undamaged clip" in page and "not available" in page


def test_finished_cells_are_not_computed_again(evaluation):
    method = Darker("dark", 30, [])
    first = evaluation(method).run()
    assert evaluation(method).run() == first
    assert method.runs == ["moving", "half"]


def test_a_changed_method_is_computed_again(evaluation):
    runs = []
    evaluation(Darker("dark", 30, runs)).run()
    changed = evaluation(Darker("dark", 5, runs)).run()
    assert runs == ["moving", "half"] * 2
    assert changed.mean("dark", "PSNR").value > 20


def test_new_metrics_are_measured_without_restoring_again(evaluation):
    method = Darker("dark", 30, [])
    table = evaluation(method).run()
    path = evaluation().folders.scores("data", "half", "dark")
    kept = json.loads(path.read_text())
    del kept["values"]["flicker"]
    path.write_text(json.dumps(kept))
    assert evaluation(method).run() == table and method.runs == ["moving", "half"]


def test_everything_is_measured_again_when_asked_to(evaluation, monkeypatch):
    method = Darker("dark", 30, [])
    evaluation(method).run()
    monkeypatch.setattr(evaluate, "score_sample", lambda sample: {name: scores.Score(1.0) for name in evaluate.ROWS})
    assert evaluation(method).run().mean("dark", "PSNR").value != 1
    assert evaluation(method, again=True).run().mean("dark", "PSNR").value == 1
    assert method.runs == ["moving", "half"]


def test_cells_without_a_model_look_at_the_tiling_model_the_first_model():
    first, second = (restoration(f"compact:tile={tile}", RestoreSettings()) for tile in (16, 32))
    assert tiling_model(Bicubic(), [Bicubic(), first, second]) is first
    assert tiling_model(second, [Bicubic(), first, second]) is second
    assert tiling_of(first) != tiling_of(second) and tiling_of(tiling_model(Bicubic(), [Bicubic()])) == {}


def test_cancelling_keeps_what_is_finished(evaluation):
    control = Control()

    @dataclass(frozen=True)
    class Cancelling(Darker):
        def restore(self, low, target, control):
            super().restore(low, target, control)
            control.cancel()
            return 1.0

    method = Cancelling("dark", 30, [])
    with pytest.raises(Cancelled):
        evaluation(method, control=control).run()
    calm = Darker("dark", 30, method.runs)
    evaluation(calm).run()
    assert calm.runs == ["moving", "half"]


def test_a_folder_with_another_evaluation_is_refused(evaluation, sets, tmp_path):
    evaluation()
    with pytest.raises(OutputError, match="frames"):
        evaluation(of=[replace(sets[0], preparation=Preparation(frames=2, crop=(96, 64)))])
    with pytest.raises(OutputError, match="clips"):
        evaluation(of=[replace(sets[0], clips={"moving": sets[0].clips["moving"]})])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").touch()
    with pytest.raises(OutputError, match="something other"):
        open_folder(tmp_path / "notes", sets)
    with pytest.raises(OutputError, match="is a file"):
        open_folder(tmp_path / "notes" / "mine.txt", sets)


def test_damaged_cells_and_wrong_results_are_one_sentence(evaluation):
    class Short(Darker):
        def restore(self, low, target, control):
            save_pictures(enlarge_bicubic(low)[:2], target)

    with pytest.raises(JobError, match="expected"):
        evaluation(Short("short", 0, [])).run()
    evaluation().folders.scores("data", "moving", "bicubic").write_text("{")
    with pytest.raises(JobError, match="damaged"):
        evaluation().run()


def test_an_unknown_model_is_said_before_anything_is_restored(evaluation):
    method = Darker("dark", 30, [])
    with pytest.raises(ModelError, match="nonesuch"):
        evaluation(method, restoration("nonesuch", RestoreSettings())).run()
    assert method.runs == []


def test_methods_with_the_same_name_are_refused(evaluation):
    with pytest.raises(SettingsError, match="same heading"):
        evaluation(Darker("bicubic", 3, [])).run()


def test_the_page_needs_no_other_file_and_shows_every_method_pixel_for_pixel(evaluation):
    run = evaluation(Darker("<dark>", 30, []))
    table = run.run()
    page = write_report(run, table).read_text(encoding="utf-8")
    assert "&lt;dark&gt;" in page and "<dark>" not in page
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    images = [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r'data:image/png;base64,([^"]+)', page)]
    assert [image.size for image in images] == ([(96, 64)] * 3 + [(96, 9)] * 3) * 2
    assert f"{table.mean('bicubic', 'PSNR').value:.2f}" in page
    assert {path.name for path in run.folders.root.iterdir() if path.is_file()} == {
        "evaluation.json",
        "table.csv",
        "table.md",
        "index.html",
    }


def test_two_seeds_are_compared_once(evaluation, sets, monkeypatch):
    of = [replace(sets[0], clips={"half": sets[0].clips["half"]})]
    model = restoration("model=compact:steps=1,precision=fp32", RestoreSettings(device="cpu"))
    seeds = []
    restore = type(model).restore

    def counted(self, *arguments):
        seeds.append(self.settings.seed)
        return restore(self, *arguments)

    monkeypatch.setattr(type(model), "restore", counted)
    assert "seed difference" not in evaluation(model, of=of).run().sets["data"]["half"]["model"]
    table = evaluation(model, of=of, two_seeds=True).run()
    again = evaluation(model, of=of, two_seeds=True).run()
    assert len(seeds) == 2 and len(set(seeds)) == 2
    cells = table.sets["data"]["half"]
    assert 0 < cells["model"]["seed difference"].value < 20 and table == again
    assert cells["bicubic"]["seed difference"].reason == "this method draws no random numbers"
    assert "| seed difference ↓ | not available |" in summary(table)
    assert table.to_dict()["data"]["half"]["model"]["seed difference"] == cells["model"]["seed difference"].value
