"""Runs before everything else in both programs: what they start gets the environment back that they were started in.

PyInstaller's starter has Linux look for libraries in the bundle. Programs of the system must not find those, and this
program, when it starts itself again, is to arrange it anew.
"""

import os
import sys

if sys.platform == "linux":
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if original is not None:
        os.environ["LD_LIBRARY_PATH"] = original
    os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
