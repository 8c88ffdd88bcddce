import pytest

from r1light.core.errors import ConfigError
from r1light.pipeline.graph import build_graph
from r1light.pipeline.selection import check_needs, selected


@pytest.fixture
def graph(pipeline):
    steps = {"a": {}, "b": {"after": ["a"]}, "c": {"after": ["b"]}, "d": {"after": ["a"]}}
    return build_graph(pipeline(steps), [0, 1])


@pytest.mark.parametrize(
    ("only", "start", "stop", "names"),
    [
        ([], None, None, "abcd"),
        (["c", "a"], None, None, "ac"),
        ([], "b", None, "bcd"),
        ([], None, "b", "ab"),
        ([], "b", "c", "bc"),
        ([], "b", "b", "b"),
    ],
)
def test_steps_are_chosen_by_name_or_from_one_to_another(graph, only, start, stop, names):
    assert selected(graph, only, start, stop) == set(names)


@pytest.mark.parametrize(
    ("only", "start", "stop", "line"),
    [
        (["x"], None, None, "stage.only: unknown step 'x'. Known: a, b, c, d"),
        ([], "x", None, "stage.start: unknown step 'x'. Known: a, b, c, d"),
        ([], None, "x", "stage.stop: unknown step 'x'. Known: a, b, c, d"),
        (["a"], "b", None, "stage.only goes with neither stage.start nor stage.stop"),
        ([], "c", "b", "stage.start=c comes behind stage.stop=b; the order is a, b, c, d"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line(graph, only, start, stop, line):
    with pytest.raises(ConfigError) as caught:
        selected(graph, only, start, stop)
    assert str(caught.value).startswith(line)


def test_what_a_step_needs_is_run_or_finished_already(graph):
    check_needs(graph, {"a", "b"}, lambda key: False)
    check_needs(graph, {"c"}, {"b@0", "b@1"}.__contains__)
    with pytest.raises(ConfigError) as caught:
        check_needs(graph, {"c"}, {"b@0"}.__contains__)
    assert str(caught.value).startswith(
        "step c needs b@1, which is left out and not finished in this run folder"
    )
