"""Plain sentences in English and in Chinese, so that the base is a (very small) model of language too."""

from __future__ import annotations

import random

from r1light.data.corpus.words import Language

_ENGLISH = {
    "who": ("The cat", "The old man", "A child", "The teacher", "My friend", "A bird", "The baker"),
    "does": ("walks to", "looks at", "sits by", "waits near", "sings about", "thinks of", "runs past"),
    "what": ("the river", "the house", "a tree", "the market", "the garden", "the school", "a small boat"),
    "when": ("in the morning", "at night", "in the rain", "every day", "after the work", "before the winter"),
    "why": ("because it is warm", "but nobody knows why", "and then goes home", "to find some bread"),
}
_CHINESE = {
    "who": ("小猫", "老人", "孩子", "老师", "我的朋友", "小鸟", "面包师"),
    "does": ("走到", "看着", "坐在", "等在", "唱着", "想着", "跑过"),
    "what": ("河边", "房子", "大树", "市场", "花园", "学校", "小船"),
    "when": ("早上", "晚上", "下雨的时候", "每天", "工作以后", "冬天以前"),
    "why": ("因为很暖和", "但是没有人知道", "然后回家", "为了找面包"),
}


def prose_document(rng: random.Random, language: Language) -> str:
    """Two to five sentences of one language."""
    sentence = _english_sentence if language == "en" else _chinese_sentence
    joiner = " " if language == "en" else ""
    return joiner.join(sentence(rng) for _ in range(rng.randint(2, 5)))


def _english_sentence(rng: random.Random) -> str:
    who, does, what, when, why = (rng.choice(options) for options in _ENGLISH.values())
    if rng.random() < 0.5:
        return f"{who} {does} {what} {when}, {why}."
    return f"{when.capitalize()} {who[0].lower()}{who[1:]} {does} {what}."


def _chinese_sentence(rng: random.Random) -> str:
    who, does, what, when, why = (rng.choice(options) for options in _CHINESE.values())
    if rng.random() < 0.5:
        return f"{who}{when}{does}{what}，{why}。"
    return f"{when}，{who}{does}{what}。"
