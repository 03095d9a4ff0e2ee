"""From a clip's picture to that of its result: what is reduced first, the network's factor, the final size. Torch-free."""

import math
from dataclasses import dataclass
from fractions import Fraction

from dcvsr_engine.settings import BOXES, LARGEST_SCALE, ResolvedSettings

PictureSize = tuple[int, int]
"""Width and height in pixels."""
DEFAULT_BOX = "4k"
"""What a result that nobody gave a size does not exceed."""


@dataclass(frozen=True)
class Sizes:
    """The sizes that a picture goes through, each (width, height) in pixels.

    Attributes:
        source: of the clip, or of the region of it.
        reduced: what is restored.
        scale: how many times the network enlarges that.
        output: of the result.
        square: whether the result's pixels are square; else they have the shape of the clip's.
    """

    source: PictureSize
    reduced: PictureSize
    scale: int
    output: PictureSize
    square: bool

    @property
    def restored(self) -> PictureSize:
        """What comes out of the network, before it is brought to the final size."""
        return self.reduced[0] * self.scale, self.reduced[1] * self.scale


def sizes_of(settings: ResolvedSettings, source: PictureSize, aspect: Fraction = Fraction(1), even: bool = False) -> Sizes:
    """Decide all sizes: the network enlarges by the smallest factor that reaches the result, and the rest is scaled down.

    Args:
        settings: ``size`` may be ``auto``; their ``scale`` is the model's own factor.
        source: of the picture, in pixels.
        aspect: width of a pixel over its height.
        even: whether the encoder takes even sizes only.
    """
    size = decided_size(settings.size, settings.scale, source, aspect)
    output, square = target_of(size, source, aspect)
    if even:
        output = nearest_even(output[0]), nearest_even(output[1])
    factor = settings.reduction
    reduced = max(1, round(source[0] / factor)), max(1, round(source[1] / factor))
    return Sizes(source, reduced, factor_for(reduced, output), output, square)


def decided_size(size: str, scale: int, source: PictureSize, aspect: Fraction = Fraction(1)) -> str:
    """What ``auto`` means for a picture: the model's factor ``scale``, but no more than 4K; a larger clip keeps its size.

    Args:
        size: as the setting.
        scale: the model's own factor.
        source: of the picture, in pixels.
        aspect: width of a pixel over its height.
    """
    if size != "auto":
        return size
    if is_inside((source[0] * scale, source[1] * scale), aspect):
        return f"x{scale}"
    return DEFAULT_BOX if is_inside(source, aspect) else "x1"


def is_inside(picture: PictureSize, aspect: Fraction) -> bool:
    """Whether a picture, shown with square pixels, is no larger than `DEFAULT_BOX`."""
    width, height = max(Fraction(picture[0]), picture[0] * aspect), Fraction(picture[1])
    longest, shortest = BOXES[DEFAULT_BOX]
    return max(width, height) <= longest and min(width, height) <= shortest


def target_of(size: str, source: PictureSize, aspect: Fraction) -> tuple[PictureSize, bool]:
    """The size of a result in pixels, and whether these are square.

    Args:
        size: any but ``auto``. A factor keeps the shape of pixels; a named size or ``WxH`` is the largest of square pixels that
            keeps the picture's shape inside of it, upright or lying as the picture is, with even sides.
        source: of the picture, in pixels.
        aspect: width of a pixel over its height.
    """
    if size.startswith("x"):
        factor = int(size[1:])
        return (source[0] * factor, source[1] * factor), False
    shown = source[0] * aspect, Fraction(source[1])
    # named sizes are those of lying pictures
    box = BOXES.get(size)
    width, height = (int(side) for side in size.split("x")) if box is None else box if shown[0] >= shown[1] else box[::-1]
    ratio = min(width / shown[0], height / shown[1])
    return (min(nearest_even(shown[0] * ratio), width), min(nearest_even(shown[1] * ratio), height)), True


def nearest_even(length: float | Fraction) -> int:
    """The nearest even number of pixels, 2 at least."""
    return max(2, 2 * round(length / 2))


def factor_for(reduced: PictureSize, output: PictureSize) -> int:
    """The smallest factor of the network that reaches a size, or its largest; the pixel that rounding adds does not count."""
    needed = max(math.ceil((wanted - 1) / have) for have, wanted in zip(reduced, output, strict=True))
    return min(max(1, needed), LARGEST_SCALE)


def size_notes(sizes: Sizes) -> list[str]:
    """Sentences on sizes that are not simply a factor of the clip's."""
    notes, (width, height) = [], sizes.output
    if sizes.reduced != sizes.source:
        notes.append(f"The picture is reduced to {sizes.reduced[0]}×{sizes.reduced[1]} before it is restored.")
    if width > sizes.restored[0] + 1 or height > sizes.restored[1] + 1:
        notes.append(f"The model enlarges {sizes.scale} times; the rest of the way to {width}×{height} is interpolated.")
    elif sizes.restored[0] > width or sizes.restored[1] > height:
        restored = f"{sizes.restored[0]}×{sizes.restored[1]}"
        notes.append(f"The picture is restored at {restored} and scaled down to {width}×{height}.")
    if width < sizes.source[0] and height < sizes.source[1]:
        notes.append(f"The result is smaller than the clip, which has {sizes.source[0]}×{sizes.source[1]} pixels.")
    return notes
