"""Something to pack: photographs, a wheel, and tiny recipes."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image

POOL = {"clips": 4, "held_out": 2, "shard": 2, "frames": 3, "size": 48, "workers": 1}
PRIOR = {
    "name": "tiny", "pool": POOL, "phases": [{"iterations": 2, "batch": 2, "size": 32}],
    "channels": 8, "blocks": 1, "log_every": 1, "bf16": [], "crop_workers": 1,
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Folder with thirty photographs, some of which are held out by their names, a wheel and the prior's recipe."""
    folder = tmp_path / "photos/usr/share/games/endless-sky/images/land"
    folder.mkdir(parents=True)
    for number in range(30):
        Image.effect_noise((480, 360), 90).convert("RGB").save(folder / f"beach{number}.jpg")
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels/only_in_the_package-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr("only_in_the_package.py", "ANSWER = 42\n")
    (tmp_path / "prior.json").write_text(json.dumps(PRIOR))
    return tmp_path


@pytest.fixture
def pack_words(root: Path) -> list[str]:
    """The words of the command that packs the prior's recipe."""
    return [
        "train", "offline", "pack", str(root / "prior.json"), "-o", str(root / "package"),
        "--photos", str(root / "photos"), "--wheels", str(root / "wheels"),
    ]  # fmt: skip
