import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.number import gold_number, same_number, stated_number

# Each once made, or could make, a pattern take time quadratic in its length.
PIECES = [
    "1", "1,", "1 1/", "1 ", "####", "#### ", "answer", "answer is ", r"\boxed{", r"\frac{", "\n",
    "(", "**", "in a b ", "because ", "\nQuestion ", "$", r"\text{ ", "so \\(", "\x00", "\ud800",
    " ", "<", "i.e. ",
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "gold"),
    [("5+5=10\n#### 10", "10"), ("#### 1,234", "1234"), ("#### -3.5", "-3.5"), ("10", None)],
)
def test_the_gold_number_of_a_solution(answer, gold):
    assert gold_number(answer) == gold


@pytest.mark.parametrize(
    ("one", "other"),
    [("18", "18.00"), ("0.5", "1/2"), ("3.5", "3 1/2"), ("-0.5", "-1/2"), ("1000", "1,000"),
     ("26", "26 million"), ("26000000", "26 million"), ("2500", "2.5 thousand"), ("0", "-0"),
     ("9" * 9000, "9" * 9000 + ".0")],
)  # fmt: skip
def test_equal_numbers(one, other):
    assert same_number(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("18", "18.01"), ("18", "-18"), ("0.33", "1/3"), ("18", None), ("18", ""), ("1000", "1"),
     ("3", "3/0"), ("0.1", "0.10000000000000001"), ("9" * 9000, "9" * 8999 + "8")],
)  # fmt: skip
def test_different_numbers(one, other):
    assert not same_number(one, other)


@given(st.integers(0, 10**6), st.integers(1, 10**4))
def test_a_fraction_is_read_exactly(above, below):
    stated = stated_number(f"The answer is {above}/{below}.")
    assert stated is not None
    assert Fraction(stated) == Fraction(above, below)


@given(st.text(), st.text())
def test_any_text_is_read(text, gold):
    stated = stated_number(text)
    assert same_number(gold, stated) in (True, False)
    gold_number(text)


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_megabyte_is_read_in_bounded_time(piece):
    text = piece * (1_000_000 // len(piece))
    start = time.monotonic()
    assert same_number("x", stated_number(text)) is False
    answer = latex.stated_answer(text) or latex.stated_answer(rf"\boxed{{{text[:90_000]}}}")
    latex.normal(answer or text[:100_000])
    assert time.monotonic() - start < 10
