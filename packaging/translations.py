"""Collects the window's texts and the engine's sentences into resources/translations, and compiles them.

``python packaging/translations.py``. Needs the tools that come with PySide6. Write the missing translations into the .ts file,
then run this again.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.settings.specs import texts  # noqa: E402
from app.system.translation import LANGUAGES  # noqa: E402
from app.widgets.engine_words import FRAGMENTS  # noqa: E402

FOLDER = ROOT / "resources" / "translations"
SOURCE_LANGUAGE = "en"
PATTERNS = FOLDER / "engine.txt"
NOT_IN_THE_WINDOW = {"research", "batch.py", "cli.py", "arguments.py", "terminal.py", "command.py", "__main__.py"}
FOR_PROGRAMMERS = ("log.", "logging.", "Field", "re.compile", "parser.")
SHORTEST = 11
"""Characters of a sentence, at least."""
QT_TEXTS = (
    ("QFileDialog", "&Look in:", ""),
    ("QFileDialog", "Files of &type:", ""),
    ("QAbstractFileIconProvider", "Folder", "All other platforms"),
)
"""Context, text and comment of what Qt's own dialogs say and its translations lack."""


def tool(name: str) -> str:
    """The path of a PySide6 tool of this Python."""
    return str(Path(sys.executable).with_name(f"pyside6-{name}"))


def engine_patterns() -> list[str]:
    """The engine's sentences that a user of the window may read, with ``{0}``, ``{1}`` … for what they leave open."""
    found = dict.fromkeys(FRAGMENTS)
    for path in sorted((ROOT / "dcvsr_engine").rglob("*.py")):
        if not set(path.relative_to(ROOT).parts) & NOT_IN_THE_WINDOW:
            found.update(dict.fromkeys(filter(is_sentence, texts_of(ast.parse(path.read_text(encoding="utf-8"))))))
    return list(found)


def texts_of(tree: ast.Module) -> Iterator[str]:
    """Texts in a module, without those that are only for programmers: docstrings, the log, help of the command line."""
    passed_over: set[int] = set()
    for node in ast.walk(tree):
        if (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
            isinstance(node, ast.Call) and ast.unparse(node.func).startswith(FOR_PROGRAMMERS)
        ):
            passed_over.update(map(id, ast.walk(node)))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in passed_over:
            passed_over.update(map(id, ast.walk(node)))
            gaps = count()
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else f"{{{next(gaps)}}}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            yield node.value


def is_sentence(text: str) -> bool:
    """Whether a text has a sentence's beginning, its end, and some words between."""
    words = re.sub(r"\{\d+\}", "", text)
    return (
        bool(re.match(r"[A-Z“]|\{0\}", text))
        and text.endswith(".")
        and " " in text
        and len(words) > SHORTEST
        and "{10}" not in text
    )


def collect(target: Path, language: str) -> None:
    """Bring a .ts file up to date: new texts are added, gone ones removed, translations kept."""
    sources = sorted((ROOT / "app").rglob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings_texts.py"
        calls = "".join(f"QCoreApplication.translate('Settings', {text!r})\n" for text in texts())
        calls += "".join(f"QCoreApplication.translate('Engine', {text!r})\n" for text in engine_patterns())
        calls += "".join(f"QCoreApplication.translate{each}\n" for each in QT_TEXTS)
        settings.write_text(f"from PySide6.QtCore import QCoreApplication\n{calls}", encoding="utf-8")
        files = [str(path) for path in (*sources, settings)]
        options = ["-locations", "none", "-no-obsolete", "-target-language", language]
        subprocess.run([tool("lupdate"), *options, *files, "-ts", str(target)], check=True)


def release(source: Path, target: Path) -> None:
    """Compile a .ts file."""
    subprocess.run([tool("lrelease"), "-silent", str(source), "-qm", str(target)], check=True)


def main() -> None:
    """Collect and compile every language but the one that the texts are written in."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    PATTERNS.write_text("".join(f"{pattern}\n" for pattern in engine_patterns()), encoding="utf-8")
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            source = FOLDER / f"studio_{language}.ts"
            collect(source, language)
            release(source, source.with_suffix(".qm"))


if __name__ == "__main__":
    main()
