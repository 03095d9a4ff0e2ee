"""The engine's sentences in the user's language.

The engine speaks English: its errors, notes and warnings are finished sentences, the same on the command line. The window knows
the patterns that they are made from – `packaging/translations.py` collects them from the engine's source – and puts what a
pattern leaves open into the translated pattern.
"""

import functools
import re
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from dcvsr_engine.resources import resource

OPEN_PART = re.compile(r"(\{\d\})")
FRAGMENTS = (
    "between {0} and {1}", "at least {0}", "at most {0}", "a whole number", "a number", "a finite number", "true or false",
    "processor, {0} thread", "processor, {0} threads",
    "{0} or WIDTHxHEIGHT with sides of {1} to {2} pixels", "auto or a factor between {0} and {1}",
    "auto, or frames per second such as 24, 23.976 or 24000/1001", "text with %04d for the number, such as shot.%04d",
    "the input has changed: {0}", "the input has changed: frames {0} to {1} of “{2}” are not those that were read before",
    "“{0}” was written again since", "“{0}” had {1} bytes and has {2} now", "“{0}” is now “{1}”",
    "there were {0} pictures and now there are {1}", "the model's file {0} has changed", "its plan has changed",
    "it was started on {0} and would continue on {1}", "version {0} of the program started it and this is version {1}",
    "it is shorter than its header says", "the decoder needs more memory",
)  # fmt: skip
"""What the engine puts into gaps and is not a sentence, or is none: the ranges of settings, a device."""
BETWEEN_SENTENCES = re.compile(r"(?<=\.)\s+(?=[A-Z“])")


@functools.cache
def patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The engine's patterns, those that leave least open first, each with what recognises its sentences."""
    lines = resource("translations", "engine.txt").read_text(encoding="utf-8").splitlines()
    ordered = sorted(lines, key=lambda pattern: 5 * len(OPEN_PART.findall(pattern)) - len(pattern))
    return tuple((pattern, recogniser(pattern)) for pattern in ordered)


def recogniser(pattern: str) -> re.Pattern[str]:
    """Matches the sentences of a pattern; its groups are what the pattern leaves open, in order."""
    parts = ["(.+?)" if OPEN_PART.fullmatch(part) else re.escape(part) for part in OPEN_PART.split(pattern)]
    return re.compile("".join(parts), re.DOTALL)


def engine_words(text: str) -> str:
    """A sentence of the engine, or several, translated; what is not known stays as it is."""
    language = QCoreApplication.translate("Engine", "There are no frames to write.")
    return text if language == "There are no frames to write." else words_in(language, text)


@functools.lru_cache(maxsize=512)
def words_in(language: str, text: str) -> str:
    """Sentences in the language of the window, for which a sentence in that ``language`` stands: it may become another one."""
    whole = translated_sentence(text)
    return whole if whole is not None else " ".join(translated_sentence(part) or part for part in BETWEEN_SENTENCES.split(text))


def translated_sentence(sentence: str) -> str | None:
    """One sentence, translated; ``None`` where no pattern fits, or it has no translation."""
    for pattern, known in patterns():
        match = known.fullmatch(sentence)
        if match:
            words = QCoreApplication.translate("Engine", pattern)
            return filled(words, match.groups()) if words != pattern else None
    return None


def filled(pattern: str, parts: Sequence[str]) -> str:
    """A pattern with its gaps filled, in one go: what is put in may have braces of its own."""
    words = [translated_sentence(part) or part for part in parts]
    return OPEN_PART.sub(lambda gap: words[int(gap[1][1])], pattern)
