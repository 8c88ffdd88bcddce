from r1light.models.tiny import Tiny
from r1light.serving.token_text import TokenText


def test_tokens_spell_the_bytes_of_their_text():
    tokenizer = Tiny(Tiny.Config()).load_tokenizer().tokenizer
    spell = TokenText(tokenizer)
    for text in ("Compute 2+3", "写7；", "é𝄞\n\x01"):
        ids = tokenizer.encode(text, add_special_tokens=False)
        told = [byte for each in ids for byte in spell.bytes(each) or []]
        assert bytes(told).decode() == text
    halves = tokenizer.encode("𝄞", add_special_tokens=False)
    assert len(halves) > 1  # so the byte table was needed
    assert spell.text(halves[0]) == "\ufffd"


class Sentence:
    def decode(self, ids, **options):
        return "\ufffd"

    def convert_ids_to_tokens(self, token):
        return ["<0xE4>", "?\u4e00"][token]


def test_the_byte_tokens_of_sentencepiece_and_what_cannot_be_told():
    spell = TokenText(Sentence())
    assert spell.bytes(0) == [0xE4]
    assert spell.bytes(1) is None
