"""Models: loading, and the miniature ones that ship with the package."""

BUILTINS = {
    "hf": "r1light.models.pretrained:Pretrained",
    "tiny": "r1light.models.tiny:Tiny",
    "tiny_student": "r1light.models.tiny:TinyStudent",
}
