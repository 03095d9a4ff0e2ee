"""Where the frozen window starts."""

import multiprocessing
import sys

if __name__ == "__main__":
    multiprocessing.freeze_support()  # in the engine's process this does not return
    from app.__main__ import main

    sys.exit(main())
