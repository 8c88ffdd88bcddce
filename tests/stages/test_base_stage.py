from __future__ import annotations

import pytest

from r1light.stages.base import Config


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"held_out_windows": 0}, "held_out_windows=0 must be at least 1"),
        ({"batch_windows": 0}, "batch_windows=0 must be at least 1"),
        ({"window_tokens": 1}, "window_tokens=1 must be at least 2 and at most context=1024"),
        ({"context": 256}, "window_tokens=384 must be at least 2 and at most context=256"),
        ({"models": {}}, "models is empty"),
        ({"windows": 59}, "windows=59 must be at least ten updates of batch_windows=6"),
        ({"vocabulary": 299}, "vocabulary=299 must be at least 300"),
    ],
)
def test_sizes_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Config(**options)
