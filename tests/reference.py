"""The method's formulas in plain numpy with explicit loops, written from dcvsr_engine/method.md and from nothing else."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Projections:
    """Weights of one self-attention, as numpy: queries, keys and values per head, and the output projection."""

    def __init__(self, attention: Any) -> None:
        self.heads = attention.heads
        layers = {"q": attention.to_q, "k": attention.to_k, "v": attention.to_v, "out": attention.to_out[0]}
        self.weights = {name: layer.weight.detach().double().numpy() for name, layer in layers.items()}
        self.bias = attention.to_out[0].bias.detach().double().numpy()

    def heads_of(self, name: str, tokens: Array) -> list[Array]:
        """``(tokens, dim)`` per head of tokens ``(tokens, channels)``."""
        return np.split(tokens @ self.weights[name].T, self.heads, axis=1)

    def output(self, heads: Sequence[Array]) -> Array:
        """Tokens ``(tokens, channels)`` from what every head attended to."""
        return np.concatenate(heads, axis=1) @ self.weights["out"].T + self.bias


def gamma_attention(query: Array, key: Array, value: Array, gamma: float = 0.0) -> Array:
    """Eq. 7 for one head: queries ``(n, dim)``, keys and values ``(m, dim)``."""
    temperature = max(gamma**2 * np.abs(query).max() * np.abs(key).max(), 1.0)
    out = np.empty((len(query), value.shape[1]))
    for i, q in enumerate(query):
        logits = key @ q / (temperature * math.sqrt(len(q)))
        weights = np.exp(logits - logits.max())
        out[i] = (weights / weights.sum()) @ value
    return out


def subsampled(tiles: Sequence[Any], tokens: Sequence[Array], stride: int, rate: int) -> Array:
    """K_{t,n} of one frame: the tokens of every tile on the frame's lattice, a later tile in place of an earlier one.

    ``tokens`` ``(tokens, …)`` per tile, at a level of the network whose tokens are ``stride`` latents apart.
    """
    found = {}
    for tile, own in zip(tiles, tokens, strict=True):
        width = tile.width // stride
        for index, token in enumerate(own):
            y, x = tile.top // stride + index // width, tile.left // stride + index % width
            if y % rate == 0 and x % rate == 0:
                found[y, x] = token
    return np.stack([found[place] for place in sorted(found)])


def propagated(layer: Projections, own: Array, foreign: Iterable[Array], gamma: float) -> Array:
    """One frame of a propagating layer: its own tokens attend to themselves and to ``foreign`` ones (before projection)."""
    parts = [own, *foreign]
    query = layer.heads_of("q", own)
    keys = [layer.heads_of("k", part) for part in parts]
    values = [layer.heads_of("v", part) for part in parts]
    heads = []
    for head in range(layer.heads):
        key = np.concatenate([part[head] for part in keys])
        value = np.concatenate([part[head] for part in values])
        heads.append(gamma_attention(query[head], key, value, gamma))
    return layer.output(heads)


def frames_by_key_std(layer: Projections, frames: Array, count: int) -> list[int]:
    """The ``count`` frames of ``(frames, tokens, channels)`` whose keys have the largest standard deviation."""
    deviation = [np.std(frame @ layer.weights["k"].T) for frame in frames]
    return sorted(sorted(range(len(frames)), key=lambda f: -deviation[f])[:count])


def karras(steps: int, low: float, high: float, rho: float = 7.0) -> list[float]:
    """Noise levels of Karras et al. 2022, eq. 5, and the final zero."""
    levels = []
    for i in range(steps):
        share = i / (steps - 1) if steps > 1 else 0.0
        levels.append((high ** (1 / rho) + share * (low ** (1 / rho) - high ** (1 / rho))) ** rho)
    return [*levels, 0.0]


def gammas(sigmas: Sequence[float], rho: float) -> list[float]:
    """γ_t of the noise levels of all steps."""
    low, high = math.log(min(sigmas)), math.log(max(sigmas))
    return [((math.log(sigma) - low) / (high - low)) ** rho for sigma in sigmas]


def merged(shape: tuple[int, ...], tiles: Sequence[Any], values: Sequence[Array], spread: float) -> Array:
    """Gaussian merge of tiles ``(frames, channels, height, width)``, position by position."""
    total, weights = np.zeros(shape), np.zeros(shape)
    for tile, value in zip(tiles, values, strict=True):
        for f in range(tile.frames):
            for y in range(tile.height):
                for x in range(tile.width):
                    exponent = 0.0
                    for place, length in ((f, tile.frames), (y, tile.height), (x, tile.width)):
                        exponent += (place - (length - 1) / 2) ** 2 / (2 * (spread * length) ** 2)
                    weight = math.exp(-exponent)
                    total[tile.frame + f, :, tile.top + y, tile.left + x] += weight * value[f, :, y, x]
                    weights[tile.frame + f, :, tile.top + y, tile.left + x] += weight
    return total / weights


def blurred(picture: Array, deviation: float) -> Array:
    """``(height, width)`` under a 9-tap Gaussian, reflected at the edges."""
    taps = np.exp(-0.5 * (np.arange(-4, 5) / deviation) ** 2)
    taps /= taps.sum()
    height, width = picture.shape
    out, wide = np.zeros_like(picture), np.pad(picture, 4, mode="reflect")
    for y in range(height):
        for x in range(width):
            for i, a in enumerate(taps):
                for j, b in enumerate(taps):
                    out[y, x] += a * b * wide[y + i, x + j]
    return out
