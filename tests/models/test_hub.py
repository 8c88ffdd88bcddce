import socket
import sys
import time
from types import SimpleNamespace

import pytest
from huggingface_hub import constants

from r1light.core.errors import ModelError
from r1light.models import hub
from r1light.models.hub import hub_or_cache
from r1light.models.pretrained import Pretrained


@pytest.fixture
def online(monkeypatch):
    """The hub by a name that leads nowhere, and no word of the user's on it."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "https://hub.invalid")
    monkeypatch.setattr(hub, "getproxies", lambda: {"no": "localhost"})


def test_without_an_address_the_libraries_are_offline_for_that_long(online, monkeypatch):
    datasets = SimpleNamespace(config=SimpleNamespace(HF_HUB_OFFLINE=False))
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    with hub_or_cache("owner/name"):
        assert (constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE) == (True, True)
    assert (constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE) == (False, False)


@pytest.mark.parametrize("way", ["address", "proxy"])
def test_with_an_address_or_a_proxy_they_ask(online, monkeypatch, way):
    if way == "address":
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    else:
        monkeypatch.setattr(hub, "getproxies", lambda: {"https": "http://127.0.0.1:1"})
    with hub_or_cache("owner/name"):
        assert constants.HF_HUB_OFFLINE is False


def test_a_directory_asks_nobody(online, monkeypatch, tmp_path):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("it asked"))
    with hub_or_cache(str(tmp_path)):
        assert constants.HF_HUB_OFFLINE is False


def test_a_model_that_is_nowhere_is_told_without_asking_again_and_again(online, monkeypatch):
    def refuse(seconds):
        raise AssertionError(f"waited for {seconds} s")

    def nowhere(*_):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    monkeypatch.setattr(time, "sleep", refuse)
    with pytest.raises(ModelError, match="cannot load the model 'no-such-model', which is no directory here"):
        Pretrained(Pretrained.Config("no-such-model")).load()
