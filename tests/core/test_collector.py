"""The garbage collector is as it was, whatever happens meanwhile."""

from __future__ import annotations

import gc
from contextlib import suppress

import pytest

from r1light.core.collector import passed_over, uncollected


@pytest.mark.parametrize("on", [True, False])
def test_nothing_is_collected_meanwhile(on):
    if not on:
        gc.disable()
    try:
        with suppress(ValueError), uncollected():
            assert not gc.isenabled()
            raise ValueError
        assert gc.isenabled() == on
    finally:
        gc.enable()


def test_objects_that_were_there_are_passed_over_and_looked_at_again():
    before = gc.get_freeze_count()
    with passed_over():
        assert gc.get_freeze_count() > 0
    assert gc.get_freeze_count() == 0 == before
