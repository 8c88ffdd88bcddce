"""Data sources: finite, repeatable sequences of problems."""

BUILTINS = {
    "arithmetic": "r1light.data.arithmetic:Arithmetic",
    "code": "r1light.data.code:Code",
    "conversations": "r1light.data.conversation_source:Conversations",
    "countdown": "r1light.data.countdown:Countdown",
    "gsm8k": "r1light.data.gsm8k:Gsm8k",
    "jsonl": "r1light.data.jsonl:Jsonl",
    "judged": "r1light.data.preference_source:JudgedAnswers",
    "math": "r1light.data.math:Math",
    "mixture": "r1light.data.mixture:Mixture",
    "preferences": "r1light.data.preference_source:Preferences",
    "tiny_general": "r1light.data.tiny_general:TinyGeneral",
    "tiny_judged": "r1light.data.tiny_general:TinyJudged",
    "tiny_preferences": "r1light.data.tiny_general:TinyPreferences",
    "tiny_programs": "r1light.data.tiny_programs:TinyPrograms",
}
