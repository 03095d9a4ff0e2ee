"""The commands of this package, which the command line imports only when one is used. Nothing heavy is imported."""

import argparse
from collections.abc import Callable

from dcvsr_engine.research.bench import command as bench
from dcvsr_engine.research.evaluation import command as evaluation
from dcvsr_engine.research.evaluation import probe_command
from dcvsr_engine.research.offline import command as offline
from dcvsr_engine.research.training import command as training


def train(options: argparse.Namespace) -> int:
    """``dcvsr train``."""
    from dcvsr_engine.research.evaluation.st_lpips import STLPIPS

    return training.run(options, lambda: (STLPIPS.load("vgg"), STLPIPS.load("alex")))


COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "train": (training.add_arguments, train),
    "train offline": (offline.add_arguments, offline.run),
    "evaluate": (evaluation.add_arguments, evaluation.run),
    "bench": (bench.add_arguments, bench.run),
    "probe": (probe_command.add_arguments, probe_command.run),
}
"""By name: what adds a command's arguments, and what runs it."""
