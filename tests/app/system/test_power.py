import sys
import wave

import pytest

from app.system.power import POWERS, chime, power_command, start_command


def test_every_system_has_its_commands():
    found = {tuple(power_command(deed, system)) for deed in POWERS for system in ("linux", "win32", "darwin")}
    assert len(found) == 6 and all(found)
    assert power_command("shut down", "linux") == ["systemctl", "poweroff"]
    assert power_command("sleep", "darwin") == ["pmset", "sleepnow"]


@pytest.mark.skipif(sys.platform == "win32", reason="has another shell")
def test_the_users_command_goes_through_a_shell(tmp_path):
    process = start_command(f"echo done > '{tmp_path}/note' && exit 3")
    assert process.wait(60) == 3 and (tmp_path / "note").read_text() == "done\n"


def test_the_chime_is_a_sound_that_does_not_clip(tmp_path, monkeypatch):
    monkeypatch.setattr("app.system.power.cache_folder", lambda: tmp_path)
    with wave.open(str(chime())) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
        assert 0.5 < file.getnframes() / file.getframerate() < 1.5
    assert 5000 < max(samples) < 2**15 - 1
