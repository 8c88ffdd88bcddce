"""Hostile programs, and what is to come of each: the verdict, and nothing else."""

import pytest

pytestmark = pytest.mark.sandbox


def test_the_corpus_is_large_and_no_attack_may_pass(corpus):
    hostile = [case for case in corpus if case.kind != "benign"]
    assert len(hostile) >= 150
    assert len({str(case) for case in corpus}) == len(corpus)
    assert all("pass" not in case.expect for case in hostile if case.kind in ("escapes", "hacks"))
    assert all("infra" not in case.expect for case in corpus)


def test_verdict(judged_case, scenario, box, machine):
    message = box.wait(box.numbers[str(judged_case)], 600)
    outcome = message["outcome"]
    assert outcome["status"] in judged_case.expect, (judged_case.why, outcome)
    assert message["seconds"] < 20, "the limits stop a program within 2 s, the compiler's within 8 s"
    assert machine.secret not in str(outcome)
    assert machine.damage() == []
    assert scenario.tier in (None, box.tier)


@pytest.mark.slow
def test_the_attack_is_a_real_one(attack, machine, outside):
    """Without a sandbox the program does what it is to be kept from: its test can fail."""
    script = machine.fill(attack.code)
    if attack.kind == "hacks":
        script = "\n".join([script, *attack.asserts, ""])
    done = outside(attack, script)
    if attack.kind == "hacks":
        assert done.returncode == 0, done.stderr[-500:]
    else:
        assert "LEAK" in done.stdout, (done.stdout, done.stderr[-500:])


def test_the_judge_survives_what_it_judges(box_after_attacks):
    """Right programs in the same sandbox are right before, among and after programs that are not."""
    assert box_after_attacks == ["pass", "timeout", "memory", "pass", "output_limit", "pass"]
