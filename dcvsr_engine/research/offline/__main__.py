"""``python source.zip run …``: a call on a machine where nothing is installed. Imports the standard library only."""

import argparse
import sys

from dcvsr_engine.errors import UserError
from dcvsr_engine.research.offline.command import add_arguments, run


def main(words: list[str] | None = None) -> int:
    """Run an action; returns the exit code, 2 for bad input."""
    parser = argparse.ArgumentParser(prog="offline", description="Train on a machine without network.")
    add_arguments(parser)
    try:
        return run(parser.parse_args(words))
    except UserError as error:
        print(f"offline: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
