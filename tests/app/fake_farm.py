"""Stands in for “dcvsr farm”: keeps a farm in a folder, and says what it is told to. Run as a program as often as it is asked.

The folder holds ``refusal`` (a sentence: every command fails with it), ``rows.json`` (what the status says), and what the
commands leave for the test: ``words`` (each command line), ``token`` (that came with the last one), ``in`` (while this
computer is in the farm).
"""

import json
import os
import sys
from pathlib import Path

VERSIONS = {"dcvsr": "0.1.0", "Ray": "2.60.0", "Python": "3.12.3", "PyTorch": "2.13.0"}
IDLE = {
    "host": "box-1",
    "address": "10.0.0.1",
    "device": "processor, 8 threads",
    "memory": 16 << 30,
    "versions": VERSIONS,
    "state": "idle",
}
WORKING = IDLE | {
    "host": "box-2",
    "address": "10.0.0.2",
    "device": "NVIDIA GeForce RTX 4090",
    "memory": 24 << 30,
    "state": "works",
    "job": "film.mkv",
    "target": "/share/film-x4.mkv",
    "phase": "sample",
    "unit": 3,
    "units": 20,
    "done": 12,
    "total": 40,
}


class FakeFarm:
    """What the commands find and leave in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.say(IDLE)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-S", "-E", __file__, str(self.folder), *words]

    def say(self, *rows: dict) -> None:
        """What the status is to say."""
        (self.folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")

    def refuse(self, sentence: str) -> None:
        (self.folder / "refusal").write_text(sentence, encoding="utf-8")

    @property
    def words(self) -> list[str]:
        """The command lines so far, but for those that ask what the farm does."""
        path = self.folder / "words"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [line for line in lines if not line.startswith("status")]

    @property
    def token(self) -> str:
        """What came with the last command."""
        return (self.folder / "token").read_text(encoding="utf-8")

    @property
    def is_in(self) -> bool:
        return (self.folder / "in").exists()


def main(folder: Path, action: str, *words: str) -> None:
    with (folder / "words").open("a", encoding="utf-8") as log:
        log.write(" ".join([action, *words]) + "\n")
    (folder / "token").write_text(os.environ.get("DCVSR_FARM_TOKEN", ""), encoding="utf-8")
    refusal = folder / "refusal"
    if refusal.exists():
        print("a warning of a library", file=sys.stderr)
        print(f"dcvsr: {refusal.read_text(encoding='utf-8')}", file=sys.stderr)
        sys.exit(2)
    if action == "status":
        print(json.dumps({"address": words[0], "workers": json.loads((folder / "rows.json").read_text(encoding="utf-8"))}))
        sys.exit()
    (folder / "in").touch()
    place = f"{words[words.index('--listen') + 1]}:6380" if action == "start" else words[0]
    print(json.dumps({"address": place, "workers": 1}), flush=True)
    said = sys.stdin.read()
    (folder / "in").unlink()
    if said:  # as a node that Ray ends
        print("dcvsr: Ray ended (1), perhaps because the farm's first computer is gone.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
