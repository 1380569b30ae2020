import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nlpinsight.data.leakage import nearest, wording

WORDS = st.lists(st.sampled_from("abcdefgh"), min_size=0, max_size=8).map(" ".join)


def jaccard(one: str, other: str) -> float:
    a, b = set(wording(one).split()), set(wording(other).split())
    return len(a & b) / len(a | b) if a | b else 0.0


@settings(max_examples=300)
@given(
    st.lists(WORDS, max_size=8),
    st.lists(WORDS, max_size=8),
    st.sampled_from([0.3, 0.5, 0.7, 0.8, 1.0]),
)
def test_every_pair_that_is_near_enough_is_found(
    texts: list[str], others: list[str], threshold: float
) -> None:
    expected = {}
    for index, text in enumerate(texts):
        best = max((jaccard(text, other) for other in others), default=0.0)
        if best >= threshold - 1e-9:
            first = next(i for i, other in enumerate(others) if jaccard(text, other) == best)
            expected[index] = (first, best)

    found = nearest(texts, others, threshold=threshold)

    assert {one.index: (one.other, one.similarity) for one in found} == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme beats!", "acme BEATS"),
        ("Acme beats https://t.co/a", "Acme beats - https://t.co/b"),
        ("Soci\u00e9t\u00e9 up", "Socie\u0301te\u0301 up"),
        ("Acme's up", "acme s up"),
    ],
)
def test_case_marks_links_and_normal_forms_do_not_make_another_wording(
    one: str, other: str
) -> None:
    assert wording(one) == wording(other)


def test_a_text_without_words_is_its_own_wording() -> None:
    assert wording("\U0001f680 !") == "\U0001f680 !"
    assert wording("https://a.b") == ""
    assert nearest(["https://a.b"], ["https://c.d"]) == []
