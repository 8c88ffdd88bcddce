import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from r1light.graders.worker_pool import PoolSpec, Reply, WorkerPool

HEAD = "import os, sys, time\ndef say(line):\n    print(line, flush=True)\n"
LOOP = "say('ready')\nfor line in sys.stdin:\n    word = line.strip()\n"
# what a request says is what the worker does
OBEY = """
    if word == "hang": time.sleep(60)
    elif word == "note": say("~half"); time.sleep(60)
    elif word == "die": os._exit(3)
    elif word == "pid": say(str(os.getpid()))
    elif word == "split": sys.stdout.write("sp"); sys.stdout.flush(); time.sleep(0.05); say("lit")
    else: say(word.upper()[:20])
"""


@pytest.fixture
def pool_of(tmp_path):
    """Makes pools over a script; closes them after the test."""
    pools = []

    def make(script=HEAD + LOOP + OBEY, workers=2, deadline=0.7, startup=20.0, requests=5000):
        path = tmp_path / f"worker{len(pools)}.py"
        path.write_text(script)
        pools.append(WorkerPool(PoolSpec((sys.executable, str(path)), workers, deadline, startup, requests)))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def alive(pid):
    """Whether a process of that id exists, a zombie included."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_replies_come_in_the_order_of_the_requests(pool_of):
    pool = pool_of()
    assert pool.pids == []
    replies = pool.run([f"w{n}" for n in range(300)])
    assert replies == [Reply("ok", f"W{n}") for n in range(300)]
    assert pool.run([]) == []


def test_two_workers_share_the_work_and_stay_for_the_next_call(pool_of):
    pool = pool_of()
    seen = {int(reply.text) for reply in pool.run(["pid"] * 200)}
    assert seen <= set(pool.pids)
    assert {int(reply.text) for reply in pool.run(["pid"] * 200)} <= set(pool.pids)
    assert 1 <= len(pool.pids) <= 2


def test_a_hang_costs_its_own_reply_only(pool_of):
    pool = pool_of()
    start = time.perf_counter()
    replies = pool.run(["a", "hang", "b", "note", "c"])
    assert [reply.status for reply in replies] == ["ok", "deadline", "ok", "deadline", "ok"]
    assert replies[3].text == "half"  # how far it got
    assert time.perf_counter() - start < 10
    assert pool.run(["d"]) == [Reply("ok", "D")]


def test_a_crash_is_tried_again_once(pool_of, tmp_path):
    pool = pool_of()
    assert [reply.status for reply in pool.run(["a", "die", "b"])] == ["ok", "crash", "ok"]
    marker = tmp_path / "died"
    once = f"    if not os.path.exists({str(marker)!r}): open({str(marker)!r}, 'w').close(); os._exit(1)\n"
    once += "    say('fine')\n"
    assert pool_of(HEAD + LOOP + once).run(["x"]) == [Reply("ok", "fine")]


def test_killed_workers_leave_no_zombie(pool_of):
    pool = pool_of(workers=1)
    pid = int(pool.run(["pid"])[0].text)
    assert alive(pid)
    pool.run(["hang"])
    assert not alive(pid)
    pid = int(pool.run(["pid"])[0].text)
    pool.close()
    assert not alive(pid)
    pool.close()
    assert pool.run(["again"]) == [Reply("ok", "AGAIN")]


def test_a_worker_killed_from_outside_is_replaced(pool_of):
    pool = pool_of(workers=1)
    os.kill(int(pool.run(["pid"])[0].text), signal.SIGKILL)
    assert pool.run(["x", "y"]) == [Reply("ok", "X"), Reply("ok", "Y")]


def test_a_worker_that_dies_while_starting_is_told_with_its_last_words(pool_of):
    replies = pool_of(HEAD + "sys.exit('no licence')").run(["a", "b"])
    assert [reply.status for reply in replies] == ["unavailable", "unavailable"]
    assert "no licence" in replies[0].text


def test_a_worker_that_never_gets_ready_is_given_up(pool_of):
    start = time.perf_counter()
    replies = pool_of(HEAD + "time.sleep(60)", workers=1, startup=0.3).run(["a"])
    assert replies == [Reply("unavailable", "a worker was not ready after 0.3 s")]
    assert time.perf_counter() - start < 10


def test_a_command_that_does_not_exist_is_unavailable():
    pool = WorkerPool(PoolSpec(("/nonexistent/worker",), 2, 1.0, 1.0))
    assert [reply.status for reply in pool.run(["a", "b"])] == ["unavailable"] * 2


def test_workers_are_replaced_after_their_share_of_requests(pool_of):
    pool = pool_of(workers=1, requests=3)
    pids = [reply.text for reply in pool.run(["pid"] * 7)]
    assert [len(set(pids[:3])), len(set(pids[3:6])), len(set(pids))] == [1, 1, 3]


def test_requests_larger_than_a_pipe_and_replies_in_pieces(pool_of):
    big = "z" * 1_000_000
    assert pool_of(deadline=10.0).run([big, "split"]) == [Reply("ok", "Z" * 20), Reply("ok", "split")]


def test_a_worker_that_does_not_read_runs_into_its_deadline(pool_of):
    pool = pool_of(HEAD + "say('ready')\ntime.sleep(60)", workers=1)
    assert pool.run(["z" * 1_000_000])[0].status == "deadline"


def test_threads_take_turns(pool_of):
    pool, replies = pool_of(), {}
    threads = [
        threading.Thread(target=lambda n=n: replies.update({n: pool.run([f"t{n}"] * 20)})) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert replies == {n: [Reply("ok", f"T{n}")] * 20 for n in range(4)}


def test_an_interrupt_leaves_no_reply_behind_for_the_next_request(pool_of, monkeypatch):
    pool = pool_of(workers=1, deadline=20.0)
    pool.run(["warm"])
    wait, calls = pool._wait, []

    def interrupted(batch):
        calls.append(batch)
        if len(calls) == 1:
            raise KeyboardInterrupt
        wait(batch)

    monkeypatch.setattr(pool, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        pool.run(["first"])
    assert pool.run(["second"]) == [Reply("ok", "SECOND")]


def test_nothing_outlives_the_parent(tmp_path):
    worker = tmp_path / "worker.py"
    worker.write_text(HEAD + LOOP + OBEY)
    parent = textwrap.dedent(f"""
        import os, sys
        from r1light.graders.worker_pool import PoolSpec, WorkerPool
        pool = WorkerPool(PoolSpec((sys.executable, {str(worker)!r}), 1, 10.0, 20.0))
        print(pool.run(["pid"])[0].text, flush=True)
        if os.fork() == 0:
            sys.exit()  # a forked child that ends leaves the workers alone
        os.wait()
        print(pool.run(["pid"])[0].text, flush=True)
    """)
    done = subprocess.run(
        [sys.executable, "-c", parent], capture_output=True, text=True, timeout=60, check=True
    )
    first, second = map(int, done.stdout.split())
    assert first == second
    assert not alive(first)


def test_a_forked_child_has_workers_of_its_own(pool_of):
    pool = pool_of(workers=1, deadline=20.0)
    mine = pool.run(["pid"])[0].text
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, pool.run(["pid"])[0].text.encode())
        pool.close()
        os._exit(0)
    os.close(write)
    _, status = os.waitpid(child, 0)
    theirs = os.read(read, 100).decode()
    os.close(read)
    assert status == 0
    assert theirs
    assert theirs != mine
    assert pool.run(["pid"])[0].text == mine
