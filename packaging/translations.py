"""Collects the window's texts into resources/translations/*.ts and compiles them: ``python packaging/translations.py``.

Needs the tools that come with PySide6. Write the missing translations into the .ts file, then run this again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.settings.specs import texts  # noqa: E402
from app.system.translation import LANGUAGES  # noqa: E402

FOLDER = ROOT / "resources" / "translations"
SOURCE_LANGUAGE = "en"


def tool(name: str) -> str:
    """The path of a PySide6 tool of this Python."""
    return str(Path(sys.executable).with_name(f"pyside6-{name}"))


def collect(target: Path, language: str) -> None:
    """Bring a .ts file up to date: new texts are added, gone ones removed, translations kept."""
    sources = sorted((ROOT / "app").rglob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings_texts.py"
        calls = "".join(f"QCoreApplication.translate('Settings', {text!r})\n" for text in texts())
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
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            source = FOLDER / f"studio_{language}.ts"
            collect(source, language)
            release(source, source.with_suffix(".qm"))


if __name__ == "__main__":
    main()
