"""Graders: is this answer right? Shared by rewards, rejection sampling and evaluation."""

BUILTINS = {
    "choice": "r1light.graders.choice:Choice",
    "code": "r1light.graders.code:Code",
    "countdown": "r1light.graders.countdown:Countdown",
    "exact": "r1light.graders.exact:Exact",
    "judge": "r1light.graders.judge:Judge",
    "knights_and_knaves": "r1light.graders.knights_and_knaves:KnightsAndKnaves",
    "math": "r1light.graders.math:Math",
    "none": "r1light.graders.none:NoGrader",
}
