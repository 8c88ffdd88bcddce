"""Graders: is this answer right? Shared by rewards, rejection sampling and evaluation."""

BUILTINS = {
    "countdown": "r1light.graders.countdown:Countdown",
    "exact": "r1light.graders.exact:Exact",
    "math": "r1light.graders.math:Math",
}
