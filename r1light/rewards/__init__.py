"""Rewards: numbers for training, from samples."""

BUILTINS = {
    "accuracy": "r1light.rewards.accuracy:Accuracy",
    "format": "r1light.rewards.format:Format",
    "harmlessness": "r1light.rewards.preference:Harmlessness",
    "helpfulness": "r1light.rewards.preference:Helpfulness",
    "language": "r1light.rewards.language:Language",
    "length_cosine": "r1light.rewards.length:LengthCosine",
    "overlong": "r1light.rewards.length:Overlong",
    "repetition": "r1light.rewards.repetition:Repetition",
    "trl": "r1light.rewards.trl:Trl",
    "verl": "r1light.rewards.verl:Verl",
}
