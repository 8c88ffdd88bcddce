"""The model that a checkpoint's weights belong to, built as its stage built it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from r1light.config.schema import RunConfig
from r1light.core.errors import ConfigError, ModelError


def build_for(config: RunConfig) -> tuple[Any, Any]:
    """The model, adapters in place, and its tokenizer, with the chat template that it learnt.

    A base that was held in 4 bits is read whole: adapters are merged into what it was rounded from. After
    fine-tuning the model stops at the end of a turn, where the chat template has one: a checkpoint does not
    say whether turns were learnt.

    Args:
        config: Of a run of a stage that trains.

    Raises:
        ConfigError: It is of another stage.
    """
    from r1light.models.scorer import as_scorer
    from r1light.stages.adapters import TRAINS, with_adapters
    from r1light.stages.build import build_model
    from r1light.stages.reward_model import LABELS
    from r1light.stages.texts import text_encoder

    if config.stage_name not in TRAINS:
        raise ConfigError(
            f"a run of stage={config.stage_name} has no weights; name one of {', '.join(TRAINS)}"
        )
    whole = replace(config.model.lora, quantize="none")
    config = replace(config, model=replace(config.model, lora=whole))
    loaded, options = build_model(config), config.stage
    if config.stage_name == "reward_model":
        _set_template(loaded.tokenizer, options.chat_template)
        scorer = as_scorer(loaded.model, loaded.tokenizer, LABELS[options.head])
        with_adapters(scorer, config, "SEQ_CLS")
        return scorer, loaded.tokenizer
    if config.stage_name != "grpo":
        _stop_at_turns(loaded, text_encoder(options, loaded))
    with_adapters(loaded.model, config)
    return loaded.model, loaded.tokenizer


def _set_template(tokenizer: Any, name: str | None) -> None:
    from r1light.models.chat_templates import TO_SCORE, chat_template

    if name is not None:
        tokenizer.chat_template = chat_template(name, named=TO_SCORE)


def _stop_at_turns(loaded: Any, encoder: Any) -> None:
    if not loaded.tokenizer.chat_template:
        return
    try:
        ends = {*loaded.eos_ids, encoder.end_of_turn()}
    except ModelError:
        return  # its turns end with no token of their own
    loaded.model.generation_config.eos_token_id = sorted(ends)
