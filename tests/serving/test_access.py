import pytest

from r1light.serving.access import Access, is_loopback
from r1light.serving.refusal import RefusalError


def test_loopback_addresses():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost."]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.org", "example.org", ""]))


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "localhost", "[::1]"])
def test_without_a_key_this_machine_may_ask(host):
    Access(None).check({"host": host})


@pytest.mark.parametrize("host", ["evil.org:8000", "evil.org", "127.0.0.1.evil.org", "localhost@evil.org"])
def test_without_a_key_a_foreign_name_may_not(host):
    with pytest.raises(RefusalError) as caught:
        Access(None).check({"host": host})
    assert caught.value.status == 403


def test_a_key_is_asked_for_and_not_kept():
    access = Access("s3cret")
    access.check({"host": "evil.org", "authorization": "Bearer s3cret"})
    access.check({"authorization": "bearer s3cret"})
    for given in ({}, {"authorization": "Bearer s3cre"}, {"authorization": "Basic s3cret"}):
        with pytest.raises(RefusalError) as caught:
            access.check({"host": "localhost", **given})
        assert caught.value.status == 401
        assert "s3cre" not in str(caught.value.body())
    assert "s3cret" not in repr(vars(access))
