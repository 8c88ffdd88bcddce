"""data=mixture: proportions, order, ends, and what each problem carries."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.config.convert import convert
from r1light.config.validate import component_config
from r1light.core.errors import ConfigError, DataError, UnknownNameError
from r1light.core.types import Problem
from r1light.data.conversations import Conversation
from r1light.data.mixture import Mixture


def problems(name, options, path):
    return [Problem(f"{name}/{i}", f"{name} {i}?", "exact", "1") for i in range(options.get("count", 0))]


def mixture(sources, split="train", **options):
    config = convert(Mixture.Config, {"sources": sources, **options}, "data")
    return Mixture(config, make_source=problems, split=split)


def source(count, weight=None):
    return {"name": "fake", "count": count, **({} if weight is None else {"weight": weight})}


def counts(mixed):
    return Counter(problem.meta["source"] for problem in mixed)


def test_without_weights_every_problem_comes_once():
    mixed = list(mixture({"a": source(10), "b": source(30)}))
    assert counts(mixed) == {"a": 10, "b": 30}
    assert len({problem.id for problem in mixed}) == 40
    assert mixed[0].id in ("a/fake/0", "b/fake/0")


def test_it_ends_when_the_first_source_has_given_all():
    # weights 1:1 and 10 problems of a: b gives 9 to 11 before a's eleventh would be due
    mixed = list(mixture({"a": source(10, 1), "b": source(500, 1)}))
    assert counts(mixed)["a"] == 10
    assert 9 <= counts(mixed)["b"] <= 11


def test_or_it_repeats_short_sources_until_all_have_given_all():
    mixed = list(mixture({"a": source(10, 1), "b": source(500, 1)}, stop="all_exhausted"))
    assert counts(mixed)["b"] == 500
    assert 499 <= counts(mixed)["a"] <= 501
    assert len({problem.id for problem in mixed}) == len(mixed)
    again = [problem.id for problem in mixed if problem.id.startswith("a/fake/3")]
    assert again[:3] == ["a/fake/3", "a/fake/3#2", "a/fake/3#3"]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.floats(0.2, 5)), min_size=1, max_size=5),
    st.integers(0, 1000),
    st.sampled_from(["first_exhausted", "all_exhausted"]),
)
def test_every_prefix_has_the_proportions_of_the_weights(parts, seed, stop):
    sources = {f"s{i}": source(count, weight) for i, (count, weight) in enumerate(parts)}
    mixed = mixture(sources, seed=seed, stop=stop)
    found = [problem.meta["source"] for problem in mixed]
    assert len(found) == len(mixed)
    total = sum(weight for _, weight in parts)
    seen = Counter()
    for length, key in enumerate(found, start=1):
        seen[key] += 1
        if stop == "first_exhausted":
            for name, options in sources.items():
                # each source is within one of its due at any time, so a prefix within one for each source
                assert abs(seen[name] - length * options["weight"] / total) <= len(parts)
    if stop == "all_exhausted":
        assert all(seen[name] >= options["count"] for name, options in sources.items())


def test_the_seed_decides_the_order_and_nothing_else():
    sources = {"a": source(50, 1), "b": source(50, 2), "c": source(50, 3)}

    def ids(**options):
        return [problem.id for problem in mixture(sources, **options)]

    assert ids(seed=1) == ids(seed=1)
    assert len({tuple(ids(seed=seed)) for seed in range(10)}) > 1


def test_the_held_out_split_has_every_problem_once():
    sources = {"a": source(10, 5), "b": source(40, 1), "c": source(0, 1)}
    for stop in ("first_exhausted", "all_exhausted"):
        assert counts(mixture(sources, split="test", stop=stop)) == {"a": 10, "b": 40}


def test_a_source_without_training_problems_is_named():
    with pytest.raises(DataError, match=r"data\.sources\.b has no problems in its train split"):
        list(mixture({"a": source(3), "b": source(0)}))


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ({}, "sources is empty"),
        ({"a": source(1, 1), "b": source(1)}, "give every source a weight, or none"),
        ({"a": source(1, 0)}, "weight=0 must be above 0"),
        ({"a": {"weight": "x"}}, "weight='x' must be a number"),
        ({"a": {"name": 3}}, "name=3 must be the name"),
    ],
)
def test_wrong_sources_are_refused(sources, says):
    with pytest.raises(ConfigError, match=says):
        mixture(sources)


def test_options_of_the_sources_inside_are_checked_before_anything_runs():
    def check(options):
        component_config("data", "mixture", {"sources": {"sums": options}}, "data")

    check({"name": "arithmetic", "max_digits": 3})
    with pytest.raises(UnknownNameError, match=r"did you mean 'data\.sources\.sums\.max_digits'"):
        check({"name": "arithmetic", "max_digit": 3})
    with pytest.raises(UnknownNameError, match="unknown data source 'arithmetics'"):
        check({"name": "arithmetics"})
    with pytest.raises(ConfigError, match=r"data\.sources\.sums\.train_size='x' must be"):
        check({"name": "arithmetic", "train_size": "x"})


def kinds(name, options, path):
    text = Conversation("rows.jsonl:1", (), "5", "2+3?")
    return {"text": [text] * 3, "problem": problems("p", {"count": 1}, path)}.get(name, ["a pair"])


def test_texts_to_learn_from_are_mixed_too():
    config = convert(Mixture.Config, {"sources": {"a": {"name": "text"}, "b": {"name": "text"}}}, "data")
    mixed = list(Mixture(config, make_source=kinds))
    # 3 of each, and what is learnt is as it was
    assert counts(mixed) == {"a": 3, "b": 3}
    assert {(row.prompt, row.completion, row.where) for row in mixed} == {("2+3?", "5", "rows.jsonl:1")}


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ("problem", r"data\.sources\.a gives texts to learn from and data\.sources\.b problems"),
        ("pairs", r"data\.sources\.b gives neither problems nor texts"),
    ],
)
def test_what_cannot_be_mixed_is_refused(second, says):
    config = convert(Mixture.Config, {"sources": {"a": {"name": "text"}, "b": {"name": second}}}, "data")
    with pytest.raises(DataError, match=says):
        Mixture(config, make_source=kinds)
