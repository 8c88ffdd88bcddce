from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.data.corpus import games
from r1light.data.corpus.chains import MOST_VALUE, Chain, Link, random_chain, random_line
from r1light.data.countdown import Game
from r1light.graders.expression import evaluate, numbers_in, tokenize


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 9), min_size=2, max_size=5))
def test_a_chain_uses_every_number_once_and_is_worth_what_it_says(seed, numbers):
    chain = random_chain(random.Random(seed), numbers)
    assert len(chain.links) == len(numbers) - 1
    tokens = tokenize(chain.expression)
    assert sorted(numbers_in(tokens)) == sorted(map(Fraction, numbers))
    assert evaluate(tokens) == chain.value
    for link in chain.links:
        whole, equals, value = str(link).partition("=")
        assert equals
        assert evaluate(tokenize(whole)) == int(value) == link.value
        assert 0 < link.value <= MOST_VALUE
    for link, following in zip(chain.links, chain.links[1:], strict=False):
        assert following.running == link.value


def test_brackets_by_hand():
    # 3+5=8, 8*7=56, 56-6=50
    links = (Link(3, "+", 5, 8), Link(8, "*", 7, 56), Link(56, "-", 6, 50))
    assert Chain(links).expression == "((3+5)*7)-6"
    assert Chain(links[:1]).expression == "3+5"


@settings(deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 12), min_size=2, max_size=5))
def test_a_line_differs_in_its_last_operation_alone(seed, numbers):
    line = random_line(random.Random(seed), numbers)
    assert line
    assert len({chain.links[:-1] for chain in line}) == 1
    assert len({(chain.links[-1].running, chain.links[-1].number) for chain in line}) == 1
    operators = [chain.links[-1].operator for chain in line]
    assert operators == [operator for operator in "+-*/" if operator in operators]


def test_a_search_writes_what_is_left_and_what_is_asked():
    # of 4, 6, 3 and 5: 4+6=10 leaves 3 and 5, 10*3=30 leaves 5; 30*5=150 is above 99
    first, second = Link(4, "+", 6, 10), Link(10, "*", 3, 30)
    last = [Link(30, "+", 5, 35), Link(30, "-", 5, 25), Link(30, "/", 5, 6)]
    line = [Chain((first, second, link)) for link in last]
    assert games._written(line, Game((4, 6, 3, 5), 50)) == (
        "4+6=10 3 5,10*3=30 5,30+5=35 vs 50,30-5=25 vs 50,30/5=6 vs 50"
    )
    assert games._tried(line, 50) == line
    assert games._tried(line, 25) == line[:2]
    # of two equal numbers one stays
    two = [Chain((Link(2, "+", 3, 5), Link(5, "*", 2, 10)))]
    assert games._written(two, Game((2, 2, 3), 9)) == "2+3=5 2,5*2=10 vs 9"
