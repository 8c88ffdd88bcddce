import pickle
import threading
from dataclasses import dataclass, field
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r1light.config.convert import check_keys, convert, to_plain, unknown_key
from r1light.core.errors import ConfigError, PluginError, UnknownNameError


@dataclass(frozen=True, slots=True)
class Clip:
    low: float = 0.2
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Options:
    path: str
    size: int = 3
    rate: float = 0.5
    on: bool = False
    mode: Literal["fast", "slow"] = "fast"
    digits: tuple[int, ...] = (3, 4)
    stop: str | int | None = None
    clip: Clip = field(default_factory=Clip)
    maybe: Clip | None = None
    many: tuple[Clip, ...] = ()
    named: dict[str, Clip] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size={self.size} must be at least 1")


def test_plain_values_become_frozen_values():
    options = convert(
        Options,
        {
            "path": "p", "rate": 1, "digits": [7], "stop": 5, "clip": {"low": 1}, "maybe": {"high": 2},
            "many": [{}, {"low": 0.5}], "named": {"a": {"low": 3.0}},
        },
        "stage",
    )  # fmt: skip
    assert options == Options(
        path="p",
        rate=1.0,
        digits=(7,),
        stop=5,
        clip=Clip(low=1.0),
        maybe=Clip(high=2.0),
        many=(Clip(), Clip(0.5)),
        named={"a": Clip(3.0)},
    )
    assert isinstance(options.rate, float)


@pytest.mark.parametrize(
    ("plain", "line"),
    [
        ({"size": "3"}, "stage.size='3' must be a valid integer"),
        ({"size": 3.5}, "stage.size=3.5 must be a valid integer"),
        ({"size": True}, "stage.size=true must be a valid integer"),
        ({"size": None}, "stage.size=null must be a valid integer"),
        ({"rate": "fast"}, "stage.rate='fast' must be a valid number"),
        ({"rate": False}, "stage.rate=false must be a valid number"),
        ({"on": 1}, "stage.on=1 must be a valid boolean"),
        ({"on": "yes"}, "stage.on='yes' must be a valid boolean"),
        ({"mode": "medium"}, "stage.mode='medium' must be 'fast' or 'slow'"),
        ({"digits": "1"}, "stage.digits='1' must be a list, in brackets: stage.digits=[1]"),
        ({"digits": [1, "x"]}, "stage.digits.1='x' must be a valid integer"),
        ({"stop": [1]}, "stage.stop=[1] must be a valid string or a valid integer"),
        ({"clip": {"low": "x"}}, "stage.clip.low='x' must be a valid number"),
        ({"maybe": {"low": "x"}}, "stage.maybe.low='x' must be a valid number"),
        ({"named": {"a": {"low": "x"}}}, "stage.named.a.low='x' must be a valid number"),
        ({"size": 0}, "stage: size=0 must be at least 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_path_and_what_would_be_right(plain, line):
    with pytest.raises(ConfigError) as caught:
        convert(Options, {"path": "p", **plain}, "stage")
    assert str(caught.value) == line


def test_a_missing_value_is_named():
    with pytest.raises(ConfigError, match=r"^stage.path is required; set stage.path=\.\.\.$"):
        convert(Options, {}, "stage")


@pytest.mark.parametrize(
    ("plain", "line"),
    [
        (
            {"sise": 1},
            "unknown key 'stage.sise'; did you mean 'stage.size'?",
        ),
        ({"clip": {"lo": 1}}, "unknown key 'stage.clip.lo'; did you mean 'stage.clip.low'?"),
        ({"maybe": {"zzz": 1}}, "unknown key 'stage.maybe.zzz'. Known keys of stage.maybe: low, high"),
        ({"many": [{}, {"lo": 1}]}, "unknown key 'stage.many.1.lo'; did you mean 'stage.many.1.low'?"),
        ({"named": {"a": {"lo": 1}}}, "unknown key 'stage.named.a.lo'; did you mean 'stage.named.a.low'?"),
    ],
)
def test_an_unknown_key_is_named_at_any_depth_with_the_nearest(plain, line):
    with pytest.raises(UnknownNameError) as caught:
        convert(Options, {"path": "p", **plain}, "stage", beside=("name",))
    assert str(caught.value).startswith(line)


def test_a_value_where_keys_belong_is_a_wrong_value_not_a_crash():
    with pytest.raises(ConfigError, match=r"stage.clip=3"):
        convert(Options, {"path": "p", "clip": 3}, "stage")


def test_a_broken_configuration_class_is_the_components_fault():
    @dataclass
    class Broken:
        size: "NoSuchType" = 3  # noqa: F821

    with pytest.raises(PluginError, match=r"configuration class .*Broken is broken: .*NoSuchType"):
        convert(Broken, {"size": 1}, "data")
    with pytest.raises(PluginError, match="NoSuchType"):
        check_keys(Broken, {"size": 1}, "data")

    @dataclass
    class Strange:
        lock: threading.Lock

    with pytest.raises(PluginError, match=r"configuration class .*Strange is broken"):
        convert(Strange, {"lock": 1}, "data")


@settings(deadline=None)
@given(
    st.builds(
        Options,
        path=st.text(),
        size=st.integers(1, 2**53),
        rate=st.floats(allow_nan=False),
        on=st.booleans(),
        mode=st.sampled_from(["fast", "slow"]),
        digits=st.lists(st.integers(), max_size=3).map(tuple),
        stop=st.none() | st.text() | st.integers(),
        clip=st.builds(Clip, st.floats(-1, 1)),
        maybe=st.none() | st.builds(Clip),
        named=st.dictionaries(st.text(), st.builds(Clip), max_size=2),
    )
)
def test_plain_data_of_any_options_converts_back_to_them(options):
    assert convert(Options, to_plain(options), "stage") == options


def test_an_unknown_key_survives_pickling_as_launchers_do_it():
    error = pickle.loads(pickle.dumps(unknown_key("lrr", ["lr"], "stage")))
    assert (str(error), error.key) == ("unknown key 'stage.lrr'; did you mean 'stage.lr'?", "stage.lrr")
