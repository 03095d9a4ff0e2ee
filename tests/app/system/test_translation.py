import importlib.util
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, QTranslator
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QLabel

from app.system.translation import LANGUAGES, best_language, install_language
from dcvsr_engine.resources import resource

SCRIPT = Path(__file__).parents[3] / "packaging" / "translations.py"
NEWEST = 15
"""Sentences that may have come since `packaging/translations.py` was run last."""
TRANSLATED = [language for language in LANGUAGES if language != "en"]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("translations_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def messages(path: Path) -> dict[tuple[str, str], ElementTree.Element]:
    found = {}
    for context in ElementTree.parse(path).iter("context"):
        for message in context.iter("message"):
            found[context.findtext("name"), message.findtext("source")] = message.find("translation")
    return found


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_of_the_window_is_translated(script, language, tmp_path):
    committed = resource("translations", f"studio_{language}.ts")
    fresh = tmp_path / committed.name
    fresh.write_bytes(committed.read_bytes())
    script.collect(fresh, language)
    assert [key for key in unfinished(fresh) if key[0] != "Engine"] == []
    assert windows_own(fresh) == windows_own(committed)


def unfinished(path: Path) -> list[tuple[str, str]]:
    return [key for key, translation in messages(path).items() if translation.get("type") == "unfinished" or not translation.text]


def windows_own(path: Path) -> set[tuple[str, str]]:
    return {key for key in messages(path) if key[0] != "Engine"}


@pytest.mark.parametrize("language", TRANSLATED)
def test_but_for_the_newest_the_engines_sentences_are_translated(script, language):
    path = resource("translations", f"studio_{language}.ts")
    translated = {source for context, source in set(messages(path)) - set(unfinished(path)) if context == "Engine"}
    patterns = script.engine_patterns()
    assert len(patterns) > 150
    assert len(set(patterns) - translated) <= NEWEST
    assert "There are no frames to write." in translated  # by which it is known whether there is a translation at all


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_keep_what_is_filled_in(language):
    for (_, source), translation in messages(resource("translations", f"studio_{language}.ts")).items():
        wanted, found = (sorted(re.findall(r"\{[^}]*\}", text)) for text in (source, translation.text))
        assert found == wanted, source


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_compiled_file_is_up_to_date(script, language, tmp_path):
    source = resource("translations", f"studio_{language}.ts")
    script.release(source, tmp_path / "fresh.qm")
    assert (tmp_path / "fresh.qm").read_bytes() == source.with_suffix(".qm").read_bytes()


@pytest.mark.parametrize(
    ("wanted", "system", "language"),
    [
        ("zh_CN", ["en-GB"], "zh_CN"),
        ("", ["zh-Hans-CN", "en"], "zh_CN"),
        ("", ["zh-Hant-TW"], "en"),
        ("", ["fr-FR", "zh-CN"], "zh_CN"),
        ("", ["en-US", "zh-CN"], "en"),
        ("klingon", [], "en"),
    ],
)
def test_the_language_is_the_wanted_one_or_the_systems(wanted, system, language):
    assert best_language(wanted, system) == language


@pytest.fixture
def chinese(qapp):
    former = QLocale()
    install_language(qapp, "zh_CN")
    yield
    for translator in qapp.findChildren(QTranslator):
        qapp.removeTranslator(translator)
        translator.deleteLater()
    QLocale.setDefault(former)


def test_nothing_in_the_window_is_left_in_english(chinese, open_window, clip):
    window = open_window(start=False)
    window.add_clips([clip])
    window.settings_panel.open_these_groups(window.settings_panel.sections)
    known = {
        source: translation.text for (_, source), translation in messages(resource("translations", "studio_zh_CN.ts")).items()
    }
    things = window.findChildren(QLabel) + window.findChildren(QAbstractButton) + window.findChildren(QAction)
    texts = [thing.text() for thing in things] + [thing.toolTip() for thing in things]
    left = {text for text in texts if text in known and known[text] != text}
    assert left == set()
    assert window.menuBar().actions()[0].text() == known["&File"]
