"""Pipelines made by hand."""

import pytest

from r1light.config.convert import convert
from r1light.config.pipeline_schema import PipelineSpec


@pytest.fixture
def pipeline():
    """The function that makes one of its steps as YAML would write them."""

    def make(steps, **others):
        steps = {name: {"stage": "score", **step} for name, step in steps.items()}
        return convert(PipelineSpec, {"name": "p", "title": "t", "steps": steps, **others}, "pipeline")

    return make
