import logging

import pytest

from r1light.pipeline import telling
from r1light.pipeline.graph import build_graph
from r1light.pipeline.telling import Telling, step_weights


class Bar:
    def __init__(self):
        self.advanced = []

    def advance(self, n=1, **metrics):
        self.advanced.append((n, metrics))


@pytest.fixture
def graph(pipeline):
    steps = {
        "zero": {"minutes": 6, "title": "R1-Zero"},
        "eval": {"minutes": 2, "after": ["zero"]},
        "more": {},
    }
    return build_graph(pipeline(steps), [0])


def test_steps_count_by_their_minutes_where_known(graph, pipeline):
    weights = {"zero@0": 6, "eval@0": 2, "more@0": 4}  # the mean of 6 and 2
    assert step_weights(graph) == (weights, "minutes planned")
    assert step_weights(build_graph(pipeline({"a": {}, "b": {}}), [0])) == ({"a@0": 1, "b@0": 1}, "steps")


def test_a_line_when_a_step_begins_and_one_with_its_number_when_it_ends(graph, caplog):
    bar = Bar()
    told = Telling(bar, step_weights(graph)[0])
    with caplog.at_level(logging.INFO):
        told.started(graph[0], "it has not run yet")
        told.ended(graph[0], "done in 5 s", "after/pass@1 0.5")
        told.ended(graph[1], "reused: nothing changed", "")
    assert caplog.messages == [
        "step zero@0 (R1-Zero): it has not run yet",
        "step zero@0 done in 5 s; after/pass@1 0.5",
        "step eval@0 reused: nothing changed",
    ]
    assert bar.advanced == [(6, {"steps": 1}), (2, {"steps": 2})]


def test_without_a_terminal_running_steps_are_heard_every_half_minute(graph, caplog, tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: clock[0])
    log = tmp_path / "r1light.log"
    log.write_text("x\n2026-11-27 02:31:10,123 INFO r1light.core.progress: iteration 3/60  reward 0.5\n")
    told = Telling(Bar(), {})
    with caplog.at_level(logging.INFO):
        for _ in range(90):
            clock[0] += 1.0
            told.alive([("zero@0", log), ("eval@0", tmp_path / "absent")])
    assert caplog.messages == ["  zero@0: iteration 3/60  reward 0.5"] * 3  # at 30, 60 and 90 s
