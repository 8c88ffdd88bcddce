"""Answers of two or three letters: words and names rather than products of variables."""

from __future__ import annotations

_WORDS = (
    "yes no on off in out up all any none one two six ten odd even sum max min sun mon tue wed thu fri "
    "sat jan feb mar apr may jun jul aug sep oct nov dec am pm red blue tan boy girl man men cat dog cow "
    "pig hen bus car van cup jar box bag day top end new old big low high hot cold wet dry win won lose "
    "tie yet not and or if we he she it him her his us me my you ann amy bob ben dan eve ian jim joe kim "
    "lee leo liz mia pat ray roy sam sue ted tim tom zoe ali eva ivy jay kay max meg ned pam rob ron sal "
    "sid van wes bee ant bat fox owl rat ape elk arc fat fun gas hat ice key map net oil pen pie pot row "
    "sea sky tax tea toy war way zoo act add age air arm art ask bad bed buy cut ear eat egg eye far fly "
    "get god got gun hit ill job kid lab law lay leg let lie lot mix mud per pin put ran run sad say see "
    "set shy sir sit son tip try use via wax wed who why yen "
)
_SHORT_WORDS = frozenset(_WORDS.split()) | {
    "ii",
    "iii",
    "iv",
    "vi",
    "vii",
    "ix",
    "xi",
    "dne",
    "ne",
    "nw",
    "se",
    "sw",
}
_TOO_LIKE_MATHEMATICS = frozenset(("max", "min", "per", "or", "and"))


def is_word(text: str) -> bool:
    """Whether letters stand for themselves and in their order: all capitals (NE, IV, ACB) or a word (two).

    Other letters are a product of variables, in which the order does not count.

    Example:
        >>> is_word("NE"), is_word("two"), is_word("xy"), is_word("Sun")
        (True, True, False, True)
    """
    lower = text.lower()
    return lower not in _TOO_LIKE_MATHEMATICS and (text.isupper() or lower in _SHORT_WORDS)
