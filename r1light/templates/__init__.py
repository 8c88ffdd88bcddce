"""Templates: a problem to a prompt, a completion to its parts."""

BUILTINS = {
    "plain": "r1light.templates.plain:Plain",
    "r1_zero": "r1light.templates.r1_zero:R1Zero",
}
