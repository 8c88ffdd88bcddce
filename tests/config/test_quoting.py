from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st

from r1light.config.quoting import needs_quotes, quoted, with_quotes

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1)


def read(line):
    """What Hydra makes of an override."""
    (override,) = OverridesParser.create().parse_overrides([line])
    return override.value()


@given(TEXTS)
def test_hydra_reads_a_quoted_text_as_it_was(text):
    assert read(f"a.b={quoted(text)}") == text


@given(st.text("äé漢 a/._-:~=", min_size=1).filter(lambda text: not text.isascii()))
def test_a_text_beyond_ascii_needs_no_quotes_where_it_has_none_of_hydras_signs(text):
    assert read(with_quotes(f"data.path={text}")) == text


def test_what_may_be_grammar_is_left_alone():
    for line in ("a=1", "a=[ä]", "a=ä,ö", "a='ä'", "a=${ä}", "a", "a=", "~ä", "ä=1"):
        assert with_quotes(line) == line


def test_the_hint_is_for_letters_beyond_ascii_without_quotes():
    assert needs_quotes("a.b=ä(1)") == (
        """; a text with letters beyond ASCII stands in quotes, such as "a.b='ä'\""""
    )
    assert [needs_quotes(line) for line in ("a.b=[1", "a.b='ä")] == ["", ""]
