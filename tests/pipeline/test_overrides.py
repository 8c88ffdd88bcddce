from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.config.pipeline_schema import StepSpec
from r1light.pipeline.overrides import added, literal, step_overrides

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
KEYS = st.text(st.sampled_from("abz_-/@.1 :,{}[]()="), min_size=1, max_size=6).map(lambda text: f"k{text}k")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_hydra_reads_every_value_as_it_was(value):
    (override,) = OverridesParser.create().parse_overrides([f"a.b={literal(value)}"])
    assert not override.is_sweep_override()
    assert override.value() == value


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("\\'\"${}, \nä"), max_size=8))
def test_quotes_and_backslashes_survive(text):
    (override,) = OverridesParser.create().parse_overrides([f"a={literal(text)}"])
    assert override.value() == text


def test_groups_come_first_then_what_all_steps_get_then_the_steps_own():
    spec = StepSpec(
        stage="grpo",
        groups={"data": "countdown", "logger": "none"},
        options={"stage": {"lr": 1e-6, "stop": ["a"], "loss": {"clip": {}}}, "trainer": {"threads": 2}},
    )
    general = {"trainer": {"threads": 1, "accelerator": "cpu"}, "logger": {"project": "p"}, "debug": True}
    assert step_overrides(spec, 7, general) == [
        "stage=grpo", "data=countdown", "logger=none",
        "trainer.threads=2",  # the step's own over the general one
        "trainer.accelerator='cpu'", "debug=true",  # the logger's option is left out: the step chose a logger
        "stage.lr=1e-06", "stage.stop=['a']", "stage.loss.clip={}",
        "seed=7",
    ]  # fmt: skip


def test_a_seed_of_its_own_wins():
    assert step_overrides(StepSpec(stage="base", options={"seed": 0}), 7, {}) == ["stage=base", "seed=0"]


def test_keys_that_are_no_words_are_given_as_one_value():
    spec = StepSpec(stage="grpo", options={"data": {"weights": {"a/b": 1}}})
    assert step_overrides(spec, 0, {})[1] == "data.weights={a/b:1}"


def test_only_dotted_keys_are_made_to_add():
    assert added(["stage=grpo", "stage.lr=1", "seed=0"]) == ["stage=grpo", "++stage.lr=1", "seed=0"]
