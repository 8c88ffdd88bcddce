"""Data sources: finite, repeatable sequences of problems."""

BUILTINS = {
    "arithmetic": "r1light.data.arithmetic:Arithmetic",
    "countdown": "r1light.data.countdown:Countdown",
}
