import pickle
import signal

import pytest

from r1light.core import errors
from r1light.core.errors import Interrupted, R1LightError, UserError, nearest, unknown_name

RAISED = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, R1LightError)
]


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_survives_pickling_with_its_message(kind):
    copy = pickle.loads(pickle.dumps(kind("stage.lr=-1 must be positive")))
    assert type(copy) is kind
    assert str(copy) == "stage.lr=-1 must be positive"


@pytest.mark.parametrize("kind", RAISED)
def test_the_exit_code_is_2_for_user_errors_and_1_for_the_rest(kind):
    assert kind.exit_code == (2 if issubclass(kind, UserError) else 1)


def test_an_interruption_is_no_exception_that_a_reward_could_swallow():
    interrupted = pickle.loads(pickle.dumps(Interrupted(signal.SIGTERM)))
    assert not isinstance(interrupted, Exception)
    assert interrupted.exit_code == 143  # 128 + 15


def test_an_unknown_name_without_a_near_one_lists_what_there_is():
    assert str(unknown_name("reward", "zzz", ["format", "accuracy"])) == (
        "unknown reward 'zzz'. Known: accuracy, format"
    )
    assert str(unknown_name("reward", "zzz", [])).endswith("Known: none")


def test_nearest_prefers_a_similar_name_to_one_that_it_begins():
    assert nearest("form", ["formation", "from"]) == "from"
    assert nearest("", ["anything"]) is None
