"""Rollout engines: token ids in, token ids with log-probabilities out."""

BUILTINS = {
    "fake": "r1light.rollout.fake:Fake",
    "hf": "r1light.rollout.hf:HuggingFace",
    "native": "r1light.rollout.native:Native",
    "replay": "r1light.rollout.replay:Replay",
    "vllm": "r1light.rollout.vllm:Vllm",
}
