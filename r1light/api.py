"""What a plugin may import: values, protocols, errors and the reward helpers. Imports no torch.

Example:
    >>> from r1light.api import Sample, per_sample
    >>> @per_sample
    ... def brevity(sample: Sample) -> float:
    ...     return 1.0 if len(sample.completion.text) < 200 else 0.0
"""

from __future__ import annotations

from r1light.core.errors import (
    ConfigError,
    DataError,
    PluginError,
    R1LightError,
    RewardError,
    UserError,
)
from r1light.core.protocols import Composer, DataSource, Grader, Reward, RolloutEngine, Task, Template
from r1light.core.scoring import per_sample
from r1light.core.types import (
    Benchmark,
    Completion,
    Group,
    Message,
    Parsed,
    Problem,
    Prompt,
    RolloutRequest,
    Sample,
    SamplingParams,
    Score,
    TestCase,
    Verdict,
)
from r1light.data.splits import Split, seeded, split_of

__all__ = [
    "Benchmark",
    "Completion",
    "Composer",
    "ConfigError",
    "DataError",
    "DataSource",
    "Grader",
    "Group",
    "Message",
    "Parsed",
    "PluginError",
    "Problem",
    "Prompt",
    "R1LightError",
    "Reward",
    "RewardError",
    "RolloutEngine",
    "RolloutRequest",
    "Sample",
    "SamplingParams",
    "Score",
    "Split",
    "Task",
    "Template",
    "TestCase",
    "UserError",
    "Verdict",
    "per_sample",
    "seeded",
    "split_of",
]
