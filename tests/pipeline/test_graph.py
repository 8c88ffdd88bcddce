import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.config.pipeline_schema import PipelineSpec, StepSpec
from r1light.core.errors import ConfigError
from r1light.pipeline.graph import build_graph, with_all_needs


def reads(*names):
    return {f"of_{name}": f"${{output:{name}.model}}" for name in names}


def test_each_step_stands_behind_what_it_reads_and_waits_for_seed_by_seed(pipeline):
    spec = pipeline(
        {
            "last": {"options": {"stage": reads("middle")}, "after": ["aside"]},
            "middle": {"groups": {"model": "${output:first.kind}"}},
            "first": {},
            "aside": {"each_seed": False, "options": {"stage": reads("first")}},
        }
    )
    graph = build_graph(spec, [3, 4])
    assert [one.key for one in graph] == [
        "first@3", "middle@3", "aside@3", "last@3", "first@4", "middle@4", "last@4",
    ]  # fmt: skip
    needs = {one.key: one.needs for one in graph}
    assert needs["last@4"] == ("middle@4", "aside@3"), "one that serves all seeds is the first seed's"
    assert needs["aside@3"] == ("first@3",)
    assert graph[0].folder == "steps/first/seed-3"
    assert with_all_needs(graph, "last@4") == {"middle@4", "first@4", "aside@3", "first@3"}


def test_what_exists_is_named_where_a_reference_is_wrong(pipeline):
    steps = {"zero": {}, "eval": {"options": {"model": {"path": "${output:zer.model}"}}}}
    with pytest.raises(ConfigError) as caught:
        build_graph(pipeline(steps), [0])
    assert str(caught.value) == (
        "pipeline.steps.eval.options.model.path: ${output:zer.model}: unknown step 'zer'; did you mean "
        "'zero'? Known: eval, zero"
    )
    steps = {"zero": {"options": {"data": {"path": "${input:row}"}}}}
    with pytest.raises(ConfigError, match=r"unknown input 'row'; did you mean 'rows'\? Known: rows"):
        build_graph(pipeline(steps, inputs={"rows": {"what": "a file"}}), [0])


def test_steps_that_wait_for_each_other_are_named_in_a_circle(pipeline):
    steps = {
        "outside": {"after": ["a"]},
        "a": {"options": reads("b")},
        "b": {"after": ["c"]},
        "c": {"options": reads("a")},
        "free": {},
    }
    with pytest.raises(ConfigError) as caught:
        build_graph(pipeline(steps), [0])
    assert str(caught.value) == (
        "pipeline.steps: a -> b -> c -> a: each waits for the next; break the circle"
    )
    with pytest.raises(ConfigError, match="a -> a: each"):
        build_graph(pipeline({"a": {"options": reads("a")}}), [0])


@st.composite
def graphs(draw):
    """Steps in any order, each reading some of those with a smaller number."""
    count = draw(st.integers(1, 8))
    steps = {}
    for number in draw(st.permutations(range(count))):
        below = draw(st.lists(st.integers(0, number - 1), max_size=3, unique=True)) if number else []
        steps[f"s{number}"] = StepSpec(
            stage="score",
            options=reads(*(f"s{other}" for other in below)),
            after=[f"s{other}" for other in below[:1]],
            each_seed=draw(st.booleans()),
        )
    return PipelineSpec(name="p", title="t", steps=steps)


@settings(max_examples=100, deadline=None)
@given(graphs(), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
def test_every_instance_comes_once_and_behind_all_that_it_needs(spec, seeds):
    graph = build_graph(spec, seeds)
    seen = set()
    for instance in graph:
        assert set(instance.needs) <= seen
        seen.add(instance.key)
    wanted = {
        f"{name}@{seed}"
        for name, step in spec.steps.items()
        for seed in (seeds if step.each_seed else seeds[:1])
    }
    assert seen == wanted
    assert len(graph) == len(wanted)


def test_where_nothing_is_read_the_order_is_that_of_the_yaml(pipeline):
    names = ["b", "a", "d", "c"]
    assert [one.name for one in build_graph(pipeline({name: {} for name in names}), [0])] == names
