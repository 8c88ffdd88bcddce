"""stage=chat: one answer in a pipe, a conversation line by line, and a real terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from r1light.config.compose import Source, compose_jobs
from r1light.config.validate import validate
from r1light.core.run_folder import RunFolder
from r1light.models.pretrained import LoadedModel
from r1light.models.tiny import Tiny
from r1light.reports.terminal import Screen
from r1light.stages import stage_module
from r1light.stages.chat import Config
from r1light.stages.talk import Talk, has_turns
from r1light.templates.chat import Chat
from r1light.templates.r1_zero import R1Zero

CHATML = ("template=chat", "template.chat_template=chatml")


@pytest.fixture(scope="module")
def tokenizer():
    return Tiny(Tiny.Config()).load_tokenizer().tokenizer


@pytest.fixture(scope="module")
def config():
    (plain,) = compose_jobs(["stage=chat", "trainer=cpu", "trainer.threads=1"], Source(), multirun=False).jobs
    return validate(plain, stage_module)


class Scripted:
    """A stream that writes what a script says, and keeps the prompts that it was given."""

    answers: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    encode = decode = None

    def __init__(self, model, request, params, eos_ids):
        del model, params, eos_ids
        type(self).prompts = (*self.prompts, self.decode(request.prompt_ids))
        self.text = self.answers[len(self.prompts) - 1]
        self.finish_reason = "stop"

    def __iter__(self):
        for word in re.findall(r"\s*\S+|\s+$", self.text):
            if word == " CTRL-C":
                raise KeyboardInterrupt
            yield from self.encode(word, add_special_tokens=False)


@pytest.fixture
def talk(config, tokenizer, monkeypatch):
    """A conversation whose answers are scripted; returns it and what was shown."""

    def start(template, *answers, thoughts=True):
        monkeypatch.setattr(Scripted, "answers", answers)
        monkeypatch.setattr(Scripted, "prompts", ())
        monkeypatch.setattr(Scripted, "encode", staticmethod(tokenizer.encode))
        monkeypatch.setattr(Scripted, "decode", staticmethod(tokenizer.decode))
        monkeypatch.setattr("r1light.rollout.streaming.TokenStream", Scripted)
        stream = io.StringIO()
        loaded = LoadedModel(None, tokenizer, (0,), 1024, "")
        return Talk(config, loaded, template, Screen(stream), thoughts, has_turns(template)), stream

    return start


def chat_template(tokenizer, **options):
    return Chat(Chat.Config(chat_template="chatml", **options), lambda: tokenizer)


def test_a_conversation_goes_on_without_its_thoughts(talk, tokenizer):
    asked, shown = talk(
        chat_template(tokenizer, prefill="<think>\n"), "2 and 3\n</think>\n\n5", "no\n</think>\n\n6", "x"
    )
    for question in ("2+3?", "And 3+3?"):
        asked.answer(question)
    first, second = Scripted.prompts
    assert first == "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\n<think>\n"
    assert second == (
        "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\n5<|im_end|>\n"
        "<|im_start|>user\nAnd 3+3?<|im_end|>\n<|im_start|>assistant\n<think>\n"
    )
    assert shown.getvalue() == "<think>\n2 and 3\n</think>\n\n5\n<think>\nno\n</think>\n\n6\n"


def test_an_answer_that_is_none_is_not_remembered(talk, tokenizer, caplog):
    asked, shown = talk(chat_template(tokenizer), "<think>on and on", "<think>a</think> b CTRL-C c")
    asked.answer("2+3?")
    assert "no answer in the form of template=" in caplog.text
    with pytest.raises(KeyboardInterrupt):
        asked.answer("Why?")
    assert asked.said == []
    assert shown.getvalue() == "<think>on and on\n<think>a</think> b"


def test_without_turns_each_question_stands_alone(talk):
    asked, shown = talk(
        R1Zero(R1Zero.Config()), "<think> a </think> <answer> 5 </answer>", "nothing", thoughts=False
    )
    asked.answer("2+3")
    asked.answer("3+3")
    assert "2+3" not in Scripted.prompts[1]
    assert shown.getvalue() == "5\nnothing\n"  # the second one has no answer: then all of it is shown
    assert asked.said == []


def test_which_templates_have_turns(tokenizer):
    assert has_turns(chat_template(tokenizer))
    assert not has_turns(R1Zero(R1Zero.Config()))


def test_one_answer_stands_alone_on_stdout(config, tmp_path, capsys, monkeypatch):
    from dataclasses import replace

    def run(**options):
        stage = Config(max_tokens=40, **options)
        stage_module("chat").run(replace(config, stage=stage), RunFolder(tmp_path / "none"))
        return capsys.readouterr().out

    answer = run(prompt="Compute 2+3", temperature=0.0)
    assert re.fullmatch(r"\d+\n", answer)
    whole = run(prompt="Compute 2+3", temperature=0.0, thoughts=True)
    assert f"<answer> {answer.strip()} </answer>" in whole
    assert "</think>" in whole
    monkeypatch.setattr(
        sys, "stdin", io.StringIO("Compute 2+3\n\n/reset\n/foo\nCompute 3+3\n/exit\nCompute 4\n")
    )
    assert re.fullmatch(r"\d+\n\d+\n", run(temperature=0.0))
    assert not (tmp_path / "none").exists()


def test_a_question_that_is_no_text_in_utf_8_ends_nothing(config, tmp_path, capsys, monkeypatch):
    from dataclasses import replace

    lines = io.BytesIO(b"Compute \xff2+3\nCompute 2+3\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(lines, encoding="utf-8", errors="strict"))
    stage = Config(max_tokens=2, thoughts=True)
    result = stage_module("chat").run(replace(config, stage=stage), RunFolder(tmp_path / "none"))
    assert result.metrics == {"questions": 2}


def test_an_answer_that_stdout_has_no_signs_for_is_written_in_others(talk, config, tmp_path, monkeypatch):
    from dataclasses import replace

    talk(R1Zero(R1Zero.Config()), "<think> a </think> <answer> \x1b[2J\xe9 </answer>")
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii", errors="strict"))
    stage_module("chat").run(replace(config, stage=Config(prompt="?")), RunFolder(tmp_path / "none"))
    assert written.getvalue() == b"\\u241b[2J\\xe9\n"


@pytest.mark.parametrize(
    "values", [{"prompt": " "}, {"top_p": 0.0}, {"temperature": -1.0}, {"max_tokens": 0}]
)
def test_config_refuses(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        Config(**values)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, command, env):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True, close_fds=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def until(self, pattern, seconds=60):
        """Read until the pattern has appeared; returns what was read up to its end."""
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen)):
            assert time.monotonic() < end, self.seen
            if select.select([self.master], [], [], 0.2)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
        text, self.seen = self.seen[: found.end()], self.seen[found.end() :]
        return text

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        code = self.process.wait(30)
        os.close(self.master)
        return code


@pytest.mark.slow
def test_in_a_terminal(tmp_path):
    env = {**os.environ, "TERM": "xterm"}
    env.pop("NO_COLOR", None)
    command = [
        sys.executable, "-m", "r1light", "stage=chat", *CHATML, 'template.prefill="<think>"',
        f"hydra.run.dir={tmp_path / 'run'}", "stage.temperature=1", "stage.top_p=1", "trainer.threads=1",
    ]  # fmt: skip
    terminal = Terminal(command, env)
    terminal.until(r"(?s)Ctrl-C ends an answer.*> ")
    terminal.type("Compute 2+3\n")
    terminal.until(re.escape("\x1b[2m<think>\x1b[22m"))
    terminal.until(r".{20}")  # it is being written
    terminal.type("\x03")
    terminal.until(r"\n.*> ")  # the answer has ended, and the conversation has not
    terminal.type("/reset\n")
    terminal.until(r"(?s)/reset\r\n.*> ")
    time.sleep(0.2)
    terminal.type("\x03")
    terminal.until(r"\n.*> ")
    terminal.type("\x04")
    assert terminal.end() == 0
    assert not Path(tmp_path / "run").exists()


@pytest.mark.slow
def test_in_a_pipe():
    question = "stage.prompt=Is 2+3=5, or {6}? [It's 算数]"
    command = [sys.executable, "-m", "r1light", "stage=chat", "stage.max_tokens=60", question]
    command += ["stage.temperature=0", "trainer.threads=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0
    assert done.stdout.strip()
    assert "\x1b" not in done.stdout
    assert "cut:" not in done.stdout  # what is no answer goes to stderr
