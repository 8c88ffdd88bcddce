"""The tasks of a run: their problems, absent data, and their figures."""

from __future__ import annotations

import json
import logging
from dataclasses import replace

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import register
from r1light.config.validate import validate
from r1light.core.errors import DataError
from r1light.evaluation.outcome import Outcome
from r1light.stages import stage_module
from r1light.stages.tasks import chosen_tasks, figures_of


def configured(*overrides):
    register()
    lines = ["stage=evaluate", "trainer=cpu", *overrides]
    (plain,) = compose_jobs(lines, Source("config", None, None), multirun=False).jobs
    return validate(plain, stage_module)


@pytest.fixture
def folder(tmp_path):
    rows = [{"problem": f"What is {i} + 1?", "answer": str(i + 1)} for i in range(5)]
    (tmp_path / "aime24.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"stage.data_dir={tmp_path}"


def ids(task):
    return [problem.id for _, problem in task.problems]


def test_a_limit_counts_for_what_is_drawn_and_not_for_what_is_recorded(folder):
    (asked,) = chosen_tasks(configured("stage.tasks=[aime24]", folder, "stage.limit=2"))
    (whole,) = chosen_tasks(configured("stage.tasks=[aime24]", folder))
    (recorded,) = chosen_tasks(
        configured("stage.tasks=[aime24]", folder, "stage.limit=2", "stage.completions=x.jsonl")
    )
    assert len(asked.problems) == 2
    assert all(each in whole.problems for each in asked.problems)  # the same, at the same positions
    assert ids(recorded) == ids(whole) == [f"aime24/{i}" for i in range(1, 6)]


def test_all_tasks_without_their_files_are_named_at_once(folder):
    with pytest.raises(DataError, match=r"task math500: .* nor can these be asked: gsm8k, amc23$"):
        chosen_tasks(configured("stage.tasks=[math500,aime24,gsm8k,amc23]", folder))


def test_recorded_problems_of_no_task_are_told_of(folder, caplog):
    (task,) = chosen_tasks(configured("stage.tasks=[aime24]", folder))
    mine = Outcome("aime24/1", "aime24", 1.0, False, "2", 3, False, True, {}, {})
    other = replace(mine, problem_id="mine/7", source="mine", score=0.0)
    with caplog.at_level(logging.WARNING):
        metrics = figures_of([[mine], [other]], [task], 0)
    assert (metrics["aime24/pass@1"], metrics["mine/pass@1"]) == (1.0, 0.0)
    assert "1 problems are of no task that is named, such as mine/7" in caplog.text
