"""The paper's students are options of `model=`, with the learning rates of its Table 6."""

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.search_path import conf_dir

STUDENTS = {
    "qwen2.5-math-1.5b": ("Qwen/Qwen2.5-Math-1.5B", 1e-4),
    "qwen2.5-math-7b": ("Qwen/Qwen2.5-Math-7B", 8e-5),
    "qwen2.5-14b": ("Qwen/Qwen2.5-14B", 7e-5),
    "qwen2.5-32b": ("Qwen/Qwen2.5-32B", 6e-5),
    "llama-3.1-8b": ("meta-llama/Llama-3.1-8B", 5e-5),
    "llama-3.3-70b-instruct": ("meta-llama/Llama-3.3-70B-Instruct", 2e-5),
}


@pytest.fixture(scope="module")
def composed():
    """What stage=sft is given with each student, by path."""
    lines = ["stage=sft", "data.path=x", f"model={','.join(STUDENTS)}"]
    jobs = compose_jobs(lines, Source(), multirun=True).jobs
    return {plain["model"]["path"]: plain for plain in jobs}


@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_has_the_papers_rate(composed, name):
    path, rate = STUDENTS[name]
    plain = composed[path]
    assert plain["model"]["name"] == "hf"
    assert plain["model"]["recommended"] == {"sft_lr": rate}
    assert plain["stage"]["lr"] == rate
    assert (conf_dir() / "model" / f"{name}.yaml").is_file()
