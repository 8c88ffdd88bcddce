"""Rewards: numbers for training, from samples."""

BUILTINS = {
    "accuracy": "r1light.rewards.accuracy:Accuracy",
    "format": "r1light.rewards.format:Format",
}
