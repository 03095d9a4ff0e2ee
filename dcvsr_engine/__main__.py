"""Starts the command line: ``dcvsr`` or ``python -m dcvsr_engine``."""

import signal
import sys


def start() -> int:
    """Run the command line; until it is imported, Ctrl-C ends the process at once and without a traceback."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from dcvsr_engine.environment import uncollected

    with uncollected():
        from dcvsr_engine.cli import EXIT_CANCELLED, main
        from dcvsr_engine.terminal import prepare_streams

    signal.signal(signal.SIGINT, handler)
    prepare_streams()
    try:
        return main()
    except KeyboardInterrupt:
        return EXIT_CANCELLED


if __name__ == "__main__":
    sys.exit(start())
