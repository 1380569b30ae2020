import pytest
from nlpinsight.backends.seen_tokens import SEEN_TOKENS, SeenTokens
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

PIECES = ["[UNK]", "profit", "pro", "##rises", "rises", "fall", "##s", "5", "%", "利", "益"]


@pytest.fixture
def tokenizer() -> Tokenizer:
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("profit rises", 1.0),
        ("profit falls", 0.5),  # "fall" and "s": training saw neither
        ("prorises", 0.0),  # "pro" and "rises": training saw both, but not this word
        ("profit profit falls", 2 / 3),
        ("falls", 0.0),
        ("unheard", 0.0),
        ("利益", 0.0),
        ("利益 profit", 1 / 2),
        ("5 %", 0.0),
        ("5 % profit", 1.0),  # a number is not a word
        ("profit", 1.0),
    ],
)
def test_the_share_counts_words_that_were_seen(
    text: str, share: float, tokenizer: Tokenizer
) -> None:
    seen = SeenTokens.of(tokenizer, ["profit rises", "5 %", "nothing of this pro"])

    assert seen.share(text, tokenizer.encode(text)) == pytest.approx(share)
    assert seen.shares(tokenizer, [text, "profit"]).tolist() == pytest.approx([share, 1.0])


def test_what_a_tokenizer_cannot_spell_is_not_known_however_often_it_was_seen(
    tokenizer: Tokenizer,
) -> None:
    seen = SeenTokens.of(tokenizer, ["unheard words"])

    assert seen.identifiers == frozenset()


def test_seen_tokens_are_read_back_from_the_files_of_a_model(tokenizer: Tokenizer) -> None:
    seen = SeenTokens.of(tokenizer, ["profit rises"])

    assert SeenTokens.read_from(seen.add_to({})) == seen
    assert SeenTokens.read_from({}) is None
    with pytest.raises(ValueError, match="valid array"):
        SeenTokens.read_from({SEEN_TOKENS: b'{"a": 1}'})
