"""What moves during training – weights, their average, optimiser – and its file, which resumes to the exact step."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from dcvsr_engine.errors import JobError
from dcvsr_engine.storage import partial_path, put_in_place


class TrainingState:
    """Weights under training and everything that goes with them.

    Attributes:
        weights: the trained parameters by name.
        ema: their moving average.
        iteration: optimiser steps done.
        part: batches since then whose gradients are accumulated.
    """

    def __init__(self, network: nn.Module, optimizer: Optimizer) -> None:
        self.weights = {name: value for name, value in network.named_parameters() if value.requires_grad}
        self.ema = {name: value.detach().clone() for name, value in self.weights.items()}
        self.optimizer = optimizer
        self.iteration, self.part = 0, 0

    @torch.no_grad()
    def update_ema(self, decay: float) -> None:
        """Follow the weights with a decay that starts low."""
        decay = min(decay, (1 + self.iteration) / (10 + self.iteration))
        for name, value in self.weights.items():
            self.ema[name].lerp_(value, 1 - decay)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Use the averaged weights for a while."""
        own = {name: value.detach().clone() for name, value in self.weights.items()}
        self.assign(self.ema)
        try:
            yield
        finally:
            self.assign(own)

    @torch.no_grad()
    def assign(self, values: dict[str, Tensor]) -> None:
        """Set the weights."""
        for name, value in self.weights.items():
            value.copy_(values[name])

    def save(self, path: Path, sums: Tensor) -> None:
        """Write the file under a temporary name, then rename; ``sums`` is what the log has gathered for its next row."""
        tensors = {"iteration": torch.tensor(self.iteration), "part": torch.tensor(self.part), "log": sums}
        for name, value in self.weights.items():
            tensors |= {f"unet.{name}": value, f"ema.{name}": self.ema[name]}
            tensors |= {f"optimizer.{name}.{key}": kept for key, kept in self.optimizer.state.get(value, {}).items()}
            if self.part and value.grad is not None:
                tensors[f"gradient.{name}"] = value.grad
        path.parent.mkdir(exist_ok=True)
        partial = partial_path(path)
        save_file({name: value.detach().contiguous() for name, value in tensors.items()}, partial)
        put_in_place(partial, path)

    def load(self, path: Path, sums: Tensor) -> Tensor:
        """Take everything from a file, and return what it keeps of the log, else ``sums``; raises `JobError`."""
        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise JobError(f"{path} is damaged ({error}); begin anew in another folder.") from None
        shapes = {name: value.shape for name, value in self.weights.items()}
        if shapes != {name[5:]: value.shape for name, value in tensors.items() if name.startswith("unet.")}:
            raise JobError(f"{path} belongs to another network than the recipe's; choose another folder, or that run's recipe.")
        self.assign({name: tensors[f"unet.{name}"] for name in self.weights})
        for name, value in self.weights.items():
            self.ema[name].copy_(tensors[f"ema.{name}"])
            prefix = f"optimizer.{name}."
            kept = {key.removeprefix(prefix): found for key, found in tensors.items() if key.startswith(prefix)}
            if kept:  # AdamW counts its steps on the processor
                self.optimizer.state[value] = {k: v if k == "step" else v.to(value.device) for k, v in kept.items()}
            if f"gradient.{name}" in tensors:
                value.grad = tensors[f"gradient.{name}"].to(value.device)
        self.iteration, self.part = int(tensors["iteration"]), int(tensors.get("part", 0))
        kept_sums: Tensor = tensors.get("log", sums)
        return kept_sums
