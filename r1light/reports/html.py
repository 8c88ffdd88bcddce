"""HTML that cannot be injected into: text is escaped unless its type says that it is markup already.

`tag` and `escape` are the only ways from text to `Html`. Children and attribute values that are plain `str`
are escaped; only `Html` passes through. The page carries a Content-Security-Policy that admits this page's
own style and script by their hashes and nothing else, so that even markup that slipped through could not run
or reach a network.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import unicodedata
from collections.abc import Iterable
from typing import Union

from r1light.reports.script import SCRIPT
from r1light.reports.style import STYLE

_VOID = frozenset({"meta", "input", "br", "hr", "circle", "line", "path", "rect"})
_BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_INVISIBLE = "\u00ad\u200b\u2060\u2061\u2062\u2063\u2064\ufeff"
_UNSEEN = frozenset(_BIDI + _INVISIBLE)


class Html(str):
    """A string that is markup already, made by `tag`, `escape` or `join`."""

    __slots__ = ()


Child = Union[str, Iterable["Child"], None]  # noqa: UP007 - the recursion needs a string, and so Union
"""What `tag` takes: text (escaped), `Html` (as it is), nested iterables of these, or None (nothing)."""


def visible(character: str) -> str:
    r"""A character that shows itself and does nothing else; see `escape`.

    Example:
        >>> visible("a"), visible("\x1b"), visible("\u202e")
        ('a', '\u241b', '⟨U+202E⟩')
    """
    code = ord(character)
    if character in "\n\t":
        return character
    if code < 0x20:
        return chr(0x2400 + code)
    hidden = (
        character in _UNSEEN
        or 0xE0000 <= code <= 0xE007F
        or unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    )
    return f"⟨U+{code:04X}⟩" if hidden else character


def escape(text: str) -> Html:
    """Text as HTML, for element content and quoted attributes alike.

    Control characters, lone surrogates, line separators, bidirectional controls, tag characters and
    invisible spaces are written out (U+0000 to U+001F as control pictures, others as `⟨U+202E⟩`), so that
    what a model wrote can be seen and cannot reorder what stands around it. Joiners (U+200C, U+200D) stay:
    several scripts and emoji need them.

    Args:
        text: Anything.

    Returns:
        Markup without `<`, `>`, `"`, `'` and with every `&` part of a character reference.
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(map(visible, text))
    return Html(html.escape(text, quote=True))


def join(*children: Child) -> Html:
    """Children one after another: plain text escaped, markup as it is, None left out."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(escape(child))
        else:
            parts.append(join(*child))
    return Html("".join(parts))


def _attribute(name: str, value: object) -> str:
    name = name.strip("_").replace("__", ":").replace("_", "-")
    if name.startswith("on") or name == "style":
        raise ValueError(f"attribute {name!r} holds code or style, which the page's policy forbids")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """One element.

    Args:
        name: The element's name.
        children: Its content; see `join`.
        attributes: Values are escaped. False and None leave the attribute out, True writes it bare. In
            names a trailing `_` is dropped (`class_`) and `_` becomes `-` (`data_phase`); `viewBox` stays.

    Raises:
        ValueError: If an attribute would hold script or style.

    Example:
        >>> tag("p", "1 < 2", class_="note")
        '<p class="note">1 &lt; 2</p>'
    """
    kept = [(key, value) for key, value in attributes.items() if value is not None and value is not False]
    written = "".join(_attribute(key, value) for key, value in kept)
    if name in _VOID and not children:
        return Html(f"<{name}{written}/>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def page(title: str, *body: Child, script: str = SCRIPT, more_style: str = "") -> str:
    """A whole document, self-contained: style and script inline, no address of anything outside it.

    Args:
        title: The document's title.
        body: What stands in `<body>`.
        script: The page's script. Never made of what a model wrote.
        more_style: Rules besides those of every page, likewise.

    Returns:
        The document, which encodes to UTF-8 without errors.
    """
    style = STYLE + more_style
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Html(style)),
    )
    code = tag("script", Html(script))
    return "<!DOCTYPE html>\n" + tag("html", head, "\n", tag("body", *body, code), lang="en") + "\n"


def data_block(name: str, value: object) -> Html:
    """A value as JSON that the page's script reads; nothing in it can end the element or run.

    Args:
        name: The element's id.
        value: JSON values.
    """
    text = json.dumps(value, ensure_ascii=True).replace("<", "\\u003c")
    return tag("script", Html(text), type="application/json", id=name)
