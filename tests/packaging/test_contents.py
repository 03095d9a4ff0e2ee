"""What goes into a bundle."""

import pytest
from PIL import Image

from app.self_test import FILES

contents = pytest.importorskip("contents", reason="needs the extra “bundle”", exc_type=ImportError)


@pytest.mark.parametrize(
    ("place", "wanted"),
    [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", True),
        ("PySide6/plugins/platforms/qwindows.dll", True),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", False),
        ("PySide6/Qt/plugins/imageformats/libqpdf.so", False),
        ("PySide6/Qt/qml/QtQuick/libqtquick2plugin.so", False),
        ("PySide6/Qt/translations/qtbase_zh_CN.qm", True),
        ("PySide6/Qt/translations/qtbase_de.qm", False),
        ("torch/bin/torch_shm_manager", True),
        ("torch/bin/protoc", False),
        ("torch/include/ATen/ATen.h", False),
        ("torch/lib/libtorch_cpu.so", True),
        ("torch/lib/libtorchbind_test.so", False),
        ("resources/models/compact/dcvsr.json", True),
        ("resources/pictures/sample.jpg", False),
        ("resources/recipes/svd-reds.json", False),
    ],
)
def test_wanted(place, wanted):
    assert contents.wanted(place) is wanted


@pytest.mark.parametrize("parts", FILES)
def test_what_the_self_test_looks_for_is_wanted(parts):
    assert contents.wanted("/".join(("resources", *parts)))


def test_requirements_are_followed_and_extras_are_not():
    found = contents.requirements()
    assert {"torch", "sympy", "shiboken6", "huggingface-hub", "pip"} <= found
    assert not {"pytest", "scipy", "transformers", "pyinstaller"} & found
    assert "torch" not in contents.excluded() and "pytest" in contents.excluded()


def test_research_stays_out():
    assert "dcvsr_engine.research" in contents.excluded()
    assert not contents.is_bundled("dcvsr_engine.research.commands") and contents.is_bundled("dcvsr_engine.cli")


def test_libraries_that_only_left_out_plugins_need_stay_out(monkeypatch):
    needs = {"xcb": ["libQt6Gui.so.6"], "gtk": ["libgtk-3.so.0"], "gui": ["libGLib.so"], "glib": [], "core": []}
    monkeypatch.setattr(contents, "get_imports", lambda source: [(name, None) for name in needs[source]])
    binaries = [
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "xcb", "BINARY"),
        ("PySide6/Qt/plugins/platformthemes/libqgtk3.so", "gtk", "BINARY"),
        ("PySide6/Qt/lib/libQt6Gui.so.6", "gui", "BINARY"),
        ("libGLib.so", "glib", "BINARY"),
        ("libgtk-3.so.0", "gtk", "BINARY"),
        ("PySide6/QtCore.abi3.so", "core", "EXTENSION"),
    ]
    kept = contents.needed(binaries)
    assert [entry[0] for entry in kept] == [binaries[index][0] for index in (0, 2, 3, 5)]
    links = [("libQt6Gui.so.6", binaries[2][0], "SYMLINK"), ("libgtk.so", "libgtk-3.so.0", "SYMLINK")]
    assert contents.wanted_data(links, binaries, kept) == links[:1]


def test_frameworks_without_their_library_leave_nothing_behind():
    binaries = [(f"PySide6/Qt/lib/{name}.framework/Versions/A/{name}", name, "BINARY") for name in ("QtCore", "QtQml")]
    links = [(f"PySide6/Qt/lib/{name}.framework/{name}", f"Versions/Current/{name}", "SYMLINK") for name in ("QtCore", "QtQml")]
    assert contents.wanted_data(links, binaries, binaries[:1]) == links[:1]


def test_icons(tmp_path, qapp):
    icons = pytest.importorskip("icons")
    with Image.open(icons.write_icon(tmp_path / "icon.ico")) as icon:
        assert icon.info["sizes"] == {(size, size) for size in icons.SIZES[".ico"]}
    with Image.open(icons.write_icon(tmp_path / "icon.icns")) as icon:
        assert icon.size == (1024, 1024) and len(icon.convert("RGBA").resize((32, 32)).getcolors()) > 8
