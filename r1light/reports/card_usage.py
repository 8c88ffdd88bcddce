"""How a trained model is used, as Python that runs."""

from __future__ import annotations

_WRITE = """```python
from transformers import AutoModelForCausalLM, AutoTokenizer

path = "PATH"  # this folder, or the model's name on the hub
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForCausalLM.from_pretrained(path)
{prompt}
ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
output = model.generate(**ids, max_new_tokens={max_tokens}, do_sample=True, temperature=0.6, top_p=0.95)
print(tokenizer.decode(output[0, ids["input_ids"].shape[1] :], skip_special_tokens=True))
```"""
_SCORE = """```python
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

path = "PATH"  # this folder, or the model's name on the hub
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForSequenceClassification.from_pretrained(path).eval()
turns = [{"role": "user", "content": "Compute 2+3"}, {"role": "assistant", "content": "5"}]
ids = tokenizer.apply_chat_template(turns, return_dict=True, return_tensors="pt")
with torch.no_grad():
    print(float(model(**ids).logits[0, 0]))  # the higher, the better
```"""
_CHAT = """turns = [{"role": "user", "content": "Compute 2+3"}]
prompt = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)"""
_MAX_TOKENS = 1024


def usage(stage: str, prompt: str | None, max_tokens: int | None) -> str:
    """A fenced block of code, with a line on what a prompt looks like.

    Args:
        stage: "reward_model" scores, all others write.
        prompt: See `write_model_card`.
        max_tokens: The cap on a completion in training, in tokens; None where there was none.
    """
    if stage == "reward_model":
        return "It scores the last answer of a conversation.\n\n" + _SCORE
    if prompt is None:
        said, line = "Prompts are made by the tokenizer's chat template.", _CHAT
    elif prompt:
        said, line = "Prompts have the form that the model was trained with.", f"prompt = {prompt!r}"
    else:
        said = "Prompts are plain texts; give them the form of the rows that the model learnt from."
        line = 'prompt = "Compute 2+3"'
    # prompts of any form stand in a literal, so nothing in them ends the block
    code = _WRITE.replace("{prompt}", line.replace("```", "`` `")).replace(
        "{max_tokens}", str(max_tokens or _MAX_TOKENS)
    )
    return f"{said}\n\n{code}"
