"""A clip to damage."""

import pytest
import torch


@pytest.fixture
def clip() -> torch.Tensor:
    """A moving pattern with edges, ``(4, 3, 64, 96)``."""
    y, x = torch.meshgrid(torch.arange(64), torch.arange(96), indexing="ij")
    frames = [((x + f) // 6 + y // 4) % 2 * 0.6 + 0.2 for f in range(4)]
    return torch.stack(frames).unsqueeze(1).expand(-1, 3, -1, -1).contiguous()
