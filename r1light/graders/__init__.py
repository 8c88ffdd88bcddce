"""Graders: is this answer right? Shared by rewards, rejection sampling and evaluation."""

BUILTINS = {
    "arena": "r1light.graders.arena:Arena",
    "choice": "r1light.graders.choice:Choice",
    "code": "r1light.graders.code:Code",
    "countdown": "r1light.graders.countdown:Countdown",
    "drop": "r1light.graders.drop:Drop",
    "exact": "r1light.graders.exact:Exact",
    "facts": "r1light.graders.facts:Facts",
    "ifeval": "r1light.graders.ifeval:IFEval",
    "judge": "r1light.graders.judge:Judge",
    "knights_and_knaves": "r1light.graders.knights_and_knaves:KnightsAndKnaves",
    "math": "r1light.graders.math:Math",
    "none": "r1light.graders.none:NoGrader",
    "preference": "r1light.graders.preference:Preference",
}

JUDGED = ("arena", "facts", "judge", "preference")
"""Those that ask a model; they have one config, `stage.judge` where a stage has it."""
