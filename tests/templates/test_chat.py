import pytest
from hypothesis import given
from hypothesis import strategies as st

from r1light.core.errors import ConfigError, DataError
from r1light.core.protocols import Composer
from r1light.core.types import Message, Parsed, Problem
from r1light.templates.chat import Chat


class Tokenizer:
    """Renders turns as <role>content; `opened` is what its template adds behind the generation prompt."""

    chat_template = "its own"

    def __init__(self, opened=""):
        self.opened = opened
        self.used = []

    def apply_chat_template(self, turns, tokenize, add_generation_prompt, chat_template=None):
        assert not tokenize
        assert add_generation_prompt
        self.used.append(chat_template)
        if any(turn["content"] == "refused" for turn in turns):
            raise RuntimeError("no such turn")
        return "".join(f"<{turn['role']}>{turn['content']}" for turn in turns) + "<assistant>" + self.opened


def chat(tokenizer=None, **values):
    return Chat(Chat.Config(**values), lambda: tokenizer or Tokenizer())


def problem(prompt="2+3?"):
    return Problem(id="p1", prompt=prompt, grader="math")


def test_turns_system_and_prefill():
    turns = (Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert chat().render(problem(turns)).text == "<user>a<assistant>b<user>c<assistant>"
    prompt = chat(system="s", prefill="<think>\n").render(problem())
    assert (prompt.text, prompt.prefill) == ("<system>s<user>2+3?<assistant><think>\n", "<think>\n")
    own = (Message("system", "mine"), Message("user", "a"))
    assert chat(system="s").render(problem(own)).text == "<system>mine<user>a<assistant>"
    assert isinstance(chat(), Composer)


@pytest.mark.parametrize("prefill", ["", "<think>", "<think>\n"])
def test_a_thought_that_the_chat_template_opens_belongs_to_the_completion(prefill):
    prompt = chat(Tokenizer(opened="<think>\n"), prefill=prefill).render(problem())
    assert prompt.text.count("<think>") == 1
    assert prompt.prefill == (prefill or "<think>\n")
    assert chat().parse(prompt.prefill, "a</think>5") == Parsed("a", "5", True)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("<think>\na\n</think>\n\nb", Parsed("a", "b", True)),
        ("b", Parsed(None, "b", False)),
        ("", Parsed(None, None, False)),
        ("<think></think>b", Parsed("", "b", False)),
        ("<think>a", Parsed("a", None, False)),
        ("x<think>a</think>b", Parsed("a", "b", False)),
    ],
)
def test_with_a_thought_required(text, parsed):
    assert chat().parse("", text) == parsed


@pytest.mark.parametrize("text", ["b", "<think></think>b", "<think>a</think>b"])
def test_with_a_thought_optional(text):
    assert chat(thought="optional").parse("", text).well_formed
    assert chat(thought="optional").parse("", text).answer == "b"


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["", "<think>", "<think>\n"]))
def test_what_is_composed_is_read_back_or_refused(thinking, answer, prefill):
    template = chat(thought="optional", prefill=prefill)
    try:
        text = template.compose(prefill, thinking, answer)
    except DataError:
        return
    assert template.parse(prefill, text) == Parsed(thinking.strip(), answer.strip(), True)


def test_an_empty_thought_keeps_its_tags():
    assert chat(thought="optional").compose("", "", "Hello!") == "<think>\n\n</think>\n\nHello!"
    with pytest.raises(DataError, match="template 'chat' cannot hold"):
        chat().compose("", "", "Hello!")
    with pytest.raises(DataError, match="prefill 'So' of template 'chat'"):
        chat().compose("So", "a", "b")


def test_another_chat_template_by_name():
    tokenizer = Tokenizer()
    chat(tokenizer, chat_template="chatml").render(problem())
    assert "<|im_start|>" in tokenizer.used[0]
    with pytest.raises(ConfigError, match=r"template\.chat_template=nothing is neither"):
        chat(chat_template="nothing")


def test_no_chat_template_and_refused_turns():
    tokenizer = Tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(ConfigError, match="has no chat template"):
        chat(tokenizer)
    with pytest.raises(DataError, match=r"problem 'p1': .* refuses its turns user: no such turn"):
        chat().render(problem("refused"))


def test_the_tiny_models_own_template():
    from r1light.models.tiny import Tiny

    template = Chat(Chat.Config(), lambda: Tiny(Tiny.Config()).load_tokenizer().tokenizer)
    assert template.render(problem()).text == "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\n"
