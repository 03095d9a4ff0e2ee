"""Where jobs live on disk. Torch-free."""

from pathlib import Path

import platformdirs


def jobs_folder() -> Path:
    """The folder of all job directories."""
    return platformdirs.user_data_path("dcvsr-studio", appauthor=False) / "jobs"
