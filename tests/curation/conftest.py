"""Tools for curations: a template, a writer, a grader that compares, and judges that are scripted."""

from __future__ import annotations

import pytest

from r1light.core.types import Verdict
from r1light.curation.curator import Tools
from r1light.curation.writing import RowWriter
from r1light.templates.cold_start import ColdStart
from r1light.templates.r1_zero import R1Zero


def _no_judge():
    raise AssertionError("no judge is to be asked")


@pytest.fixture
def make_tools():
    def make(template=None, *, judge=None, empty_thoughts=False, english=1.0, repeated=0.0, seed=0):
        rows = ColdStart(ColdStart.Config(empty_thoughts=empty_thoughts))
        return Tools(
            template=template or R1Zero(R1Zero.Config()),
            writer=RowWriter(rows),
            consistency=lambda text, language: 0.0 if "混" in text else english,
            repeated_share=lambda text, n: 1.0 if "again again" in text else repeated,
            grade=lambda problem, answer: Verdict(float(answer.strip().endswith(problem.answer))),
            open_judge=(lambda: judge) if judge is not None else _no_judge,
            seed=seed,
        )

    return make
