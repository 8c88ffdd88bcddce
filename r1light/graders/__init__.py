"""Graders: is this answer right? Shared by rewards, rejection sampling and evaluation."""

BUILTINS = {
    "choice": "r1light.graders.choice:Choice",
    "code": "r1light.graders.code:Code",
    "countdown": "r1light.graders.countdown:Countdown",
    "drop": "r1light.graders.drop:Drop",
    "exact": "r1light.graders.exact:Exact",
    "ifeval": "r1light.graders.ifeval:IFEval",
    "judge": "r1light.graders.judge:Judge",
    "math": "r1light.graders.math:Math",
    "none": "r1light.graders.none:NoGrader",
}
