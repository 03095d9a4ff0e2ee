"""Where the frozen command line starts."""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()
    from dcvsr_engine.__main__ import start

    sys.exit(start())
