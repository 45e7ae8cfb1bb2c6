"""Texts that say nothing to an encoder: empty, read in a wrong encoding, or not Chinese."""

from collections.abc import Sequence
from typing import Any

import numpy as np

TextArray = np.ndarray[Any, np.dtype[np.str_]]

FAULTS = ("", "empty", "wrong encoding", "not Chinese")

_LATIN_SHARE = 0.2
_GARBLED = ("锟斤拷", "烫烫烫", "�")


def text_faults(texts: Sequence[Any]) -> TextArray:
    """What is wrong with each text: one of FAULTS, `` for a text that can be used.

    empty            no text at all, or blanks only.
    wrong encoding   replacement characters, half surrogates, the garble that GBK makes of them, control characters,
                     or more than a fifth from the upper half of Latin-1, as UTF-8 read byte by byte looks.
    not Chinese      no Chinese character.
    """
    return np.array([_fault(text) for text in texts], dtype=np.str_)


def _fault(text: Any) -> str:
    if not isinstance(text, str) or not text.strip():
        return "empty"
    if any(garble in text for garble in _GARBLED) or any(_is_broken(each) for each in text):
        return "wrong encoding"
    if sum("\x80" <= each <= "\xff" for each in text) > _LATIN_SHARE * len(text):
        return "wrong encoding"
    if not any("\u3400" <= each <= "\u9fff" or "\U00020000" <= each <= "\U0003ffff" for each in text):
        return "not Chinese"
    return ""


def _is_broken(character: str) -> bool:
    return "\ud800" <= character <= "\udfff" or (character < " " and character not in "\t\n\r\f\v")
