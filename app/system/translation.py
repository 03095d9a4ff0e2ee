"""The languages of the window."""

from PySide6.QtCore import QLibraryInfo, QLocale, QTranslator
from PySide6.QtWidgets import QApplication

from dcvsr_engine.resources import resource

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
"""Language codes and the languages' own names."""


def best_language(wanted: str, system: list[str]) -> str:
    """The ``wanted`` language if it is known, or else the first of the ``system``'s that is."""
    if wanted in LANGUAGES:
        return wanted
    for name in system:
        locale = QLocale(name)
        if locale.language() == QLocale.Language.English:
            return "en"
        # the translation is in simplified characters
        if locale.language() == QLocale.Language.Chinese and locale.script() != QLocale.Script.TraditionalHanScript:
            return "zh_CN"
    return "en"


def install_language(app: QApplication, wanted: str) -> str:
    """Have the window and Qt's own dialogs speak a language; returns its code."""
    language = best_language(wanted, QLocale.system().uiLanguages())
    QLocale.setDefault(QLocale(language))
    own = str(resource("translations")), f"studio_{language}"
    qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath), f"qtbase_{language}"
    # ours last: Qt asks the newest translator first
    for folder, name in (qt, own):
        translator = QTranslator(app)
        if translator.load(name, folder):
            app.installTranslator(translator)
    return language
