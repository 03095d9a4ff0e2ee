"""The engine's sentences in Chinese; what cannot be translated stays as the engine said it."""

import re

import pytest
from PySide6.QtCore import QTranslator
from PySide6.QtWidgets import QFileDialog

from app.widgets.engine_words import engine_words, recogniser
from dcvsr_engine.errors import InputError, SettingsError
from dcvsr_engine.resources import resource
from dcvsr_engine.settings import SIZE_NAMES, OutputSettings, RestoreSettings
from dcvsr_engine.video.probe import probe


@pytest.fixture
def chinese(qapp):
    translator = QTranslator()
    assert translator.load("studio_zh_CN", str(resource("translations")))
    qapp.installTranslator(translator)
    yield
    qapp.removeTranslator(translator)


def test_the_words_are_those_of_the_language_that_is_there_now(qapp, request):
    text = "“a.mp4” is empty."
    assert engine_words(text) == text
    request.getfixturevalue("chinese")
    assert engine_words(text) == "“a.mp4”是空文件。"


def test_an_error_that_the_engine_raises_is_translated_with_its_parts(chinese, tmp_path):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InputError) as missing:
        probe(tmp_path / "no {0} such.mp4")
    assert engine_words(str(missing.value)) == f"“{tmp_path}/no {{0}} such.mp4”不存在；请检查名称。"
    with pytest.raises(SettingsError) as wrong:
        RestoreSettings(steps=500)
    assert engine_words(str(wrong.value)) == "steps 必须为 1 到 200 之间，而不是 500。"


@pytest.mark.parametrize(
    "changes", [{"size": "-3"}, {"size": "9x9"}, {"reduce": "much"}, {"frame_rate": "0"}, {"picture_name": "x"}]
)
def test_no_word_of_a_refused_setting_stays_english(chinese, changes):
    kind = OutputSettings if set(changes) & {"frame_rate", "picture_name"} else RestoreSettings
    with pytest.raises(SettingsError) as wrong:
        kind(**changes)
    words = engine_words(str(wrong.value))
    for known in (*changes, *changes.values(), *SIZE_NAMES, "WIDTHxHEIGHT", "shot.%04d", "%04d"):
        words = words.replace(known, "")
    assert not re.search("[A-Za-z]", words)


def test_why_a_job_cannot_be_continued_is_translated_to_its_end(chinese):
    reason = "the input has changed: “1” had 3 bytes and has 4 now"
    text = f"This job cannot be continued because {reason}; restore it anew by “Start again”, or “dcvsr restore --fresh”."
    assert re.findall("[a-z]{3,}", engine_words(text)) == ["dcvsr", "restore", "fresh"]


def test_what_qts_own_dialogs_say_is_translated(chinese, qtbot):
    dialog = QFileDialog()
    qtbot.addWidget(dialog)
    assert dialog.labelText(QFileDialog.DialogLabel.LookIn) == "查找范围(&L)："
    assert dialog.labelText(QFileDialog.DialogLabel.FileType) == "文件类型(&T)："


def test_several_sentences_are_translated_one_by_one(chinese):
    text = "There are no frames to write. Nobody has ever said this. “a.mp4” holds no frames."
    assert engine_words(text) == "没有可写入的帧。 Nobody has ever said this. “a.mp4”中没有帧。"


def test_what_has_no_pattern_stays(chinese):
    assert engine_words("Something new went wrong.") == "Something new went wrong."


def test_a_pattern_recognises_whole_sentences_only():
    assert recogniser("The {0} of {1}.").fullmatch("The end of all (a.b).").groups() == ("end", "all (a.b)")
    assert not recogniser("The {0} of {1}.").fullmatch("The end of all. More")
