"""Bundled files: source tree, wheel and frozen program."""

import sys

import dcvsr_engine.resources
from dcvsr_engine.resources import resource


def test_the_source_tree(request):
    assert resource("models", "compact") == request.config.rootpath / "resources/models/compact"


def test_a_wheel_carries_them_in_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(dcvsr_engine.resources, "__file__", str(tmp_path / "dcvsr_engine" / "resources.py"))
    (tmp_path / "dcvsr_engine" / "_resources").mkdir(parents=True)
    assert resource("a") == tmp_path / "dcvsr_engine" / "_resources" / "a"


def test_a_frozen_program_carries_them_beside_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    assert resource("a", "b") == tmp_path / "resources" / "a" / "b"
