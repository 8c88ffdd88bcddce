"""Templates: a problem to a prompt, a completion to its parts."""

BUILTINS = {
    "chat": "r1light.templates.chat:Chat",
    "cold_start": "r1light.templates.cold_start:ColdStart",
    "plain": "r1light.templates.plain:Plain",
    "r1_zero": "r1light.templates.r1_zero:R1Zero",
}
