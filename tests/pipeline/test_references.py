import pytest

from r1light.core.errors import ConfigError
from r1light.pipeline.references import Reference, references_in, replaced

VALUES = {
    Reference("output", "zero", "model"): "runs/zero/model",
    Reference("metric", "zero", "after/pass@1"): 0.875,
    Reference("metric", "zero", "num.tokens"): 4096.0,
    Reference("input", None, "rows"): "rows.jsonl",
}


def test_references_are_found_in_nested_data_with_their_places():
    data = {
        "a": {"b": "${output:zero.model}/x"},
        "c": [1, "${input:rows} ${metric:zero.num.tokens}"],
        "d": None,
    }
    assert list(references_in(data, "steps.one")) == [
        ("steps.one.a.b", Reference("output", "zero", "model")),
        ("steps.one.c.1", Reference("input", None, "rows")),
        ("steps.one.c.1", Reference("metric", "zero", "num.tokens")),
    ]


def test_a_text_that_is_one_reference_becomes_what_that_is_and_a_metric_stays_a_number():
    data = {
        "path": "${output:zero.model}",
        "lr": "${metric:zero.after/pass@1}",
        "flops": "${metric:zero.num.tokens}",
        "text": "at ${metric:zero.after/pass@1} from ${input:rows}",
        "rest": [3, None, "${data.x}"],
    }
    assert replaced(data, VALUES.__getitem__) == {
        "path": "runs/zero/model",
        "lr": 0.875,
        "flops": 4096,  # a whole number suits options that count as well
        "text": "at 0.875 from rows.jsonl",
        "rest": [3, None, "${data.x}"],
    }
    assert isinstance(replaced("${metric:zero.num.tokens}", VALUES.__getitem__), int)


def test_what_stands_for_a_reference_is_not_read_as_one():
    text = "${output:zero.model}"
    assert replaced(f"in {text}", lambda reference: text) == f"in {text}"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("${output:zero}", "${output:STEP.NAME}"),
        ("${metric:.x}", "${metric:STEP.NAME}"),
        ("${output:zero.}", "${output:STEP.NAME}"),
        ("${input:}", "${input:NAME}"),
    ],
)
def test_a_reference_that_names_too_little_is_refused_with_its_place(text, form):
    with pytest.raises(ConfigError) as caught:
        list(references_in({"model": {"path": text}}, "pipeline.steps.one.options"))
    assert str(caught.value) == f"pipeline.steps.one.options.model.path: {text} must be {form}"


def test_a_reference_reads_as_it_is_written():
    assert [str(reference) for reference in VALUES] == [
        "${output:zero.model}", "${metric:zero.after/pass@1}", "${metric:zero.num.tokens}", "${input:rows}",
    ]  # fmt: skip
