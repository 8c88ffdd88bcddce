import pytest

from r1light.core.errors import EngineError
from r1light.rollout.lifecycle import Lifecycle


def test_a_run_goes_on_until_it_is_aborted():
    life = Lifecycle()
    first = life.begin()
    assert not life.aborted(first)
    life.abort()
    life.abort()
    assert life.aborted(first)
    assert not life.aborted(life.begin())


def test_new_weights_end_what_was_begun_with_the_old():
    life = Lifecycle()
    old = life.begin()
    life.weights_changed(3)
    assert life.version == 3
    with pytest.raises(EngineError, match="took new weights"):
        life.aborted(old)
    assert not life.aborted(life.begin())


def test_nothing_begins_or_goes_on_after_close():
    life = Lifecycle()
    run = life.begin()
    life.close()
    life.close()
    with pytest.raises(EngineError, match="was closed while"):
        life.aborted(run)
    with pytest.raises(EngineError, match="is closed"):
        life.begin()
