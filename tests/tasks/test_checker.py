"""The grader of mathematical answers on pairs whose verdict a person can see."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.tasks.answers import latex
from tts_search.tasks.answers.checker import Checker
from tts_search.tasks.answers.workers import CallLost

EQUAL = [
    (r"\frac{1}{2}", "0.5"), (r"\frac{1}{2}", r"\dfrac{1}{2}"), (r"\frac{1}{2}", "1/2"),
    (r"\frac12", r"\frac{2}{4}"), (r"-\frac{1}{2}", r"\frac{-1}{2}"), ("0.25", r"25\%"),
    ("50", r"50\%"), (r"50\%", "50"), ("18", r"\$18"), (r"\$18", "18"), (r"\$18.00", "18"),
    ("10,000", "10000"), (r"10{,}000", "10000"), (r"11,\!880", "11880"),
    (r"90^\circ", "90"), (r"5\text{ cm}", "5"), (r"36\text{ cm}^3", "36"), ("3", "3.0"),
    (r"1\frac{1}{2}", r"\frac{3}{2}"), (r"\sqrt{8}", r"2\sqrt{2}"), (r"\sqrt2", r"\sqrt{2}"),
    (r"\frac{1}{\sqrt{2}}", r"\frac{\sqrt{2}}{2}"), (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
    ("2x+3", "3+2x"), ("(x+1)^2", "x^2+2x+1"), ("x^2 + 5x + 6", "(x+2)(x+3)"),
    (r"25\pi - 48", r"-48 + 25\pi"), (r"\frac{3\pi}{4}", r"\frac{3}{4}\pi"),
    ("5", "x=5"), ("x = 5", "5"), ("1, 2", "2, 1"), ("1, 2", r"2\text{ and }1"),
    (r"1 \pm \sqrt{2}", r"1+\sqrt{2}, 1-\sqrt{2}"), ("(1,2)", r"\left(1, 2\right)"),
    (r"\left(\frac{1}{2}, 3\right)", "(0.5, 3)"), ("[1,2)", r"\left[1, 2\right)"),
    (r"(-\infty, 3]", r"(-\infty,3]"),
    (r"(-\infty,2)\cup(2,\infty)", r"(-\infty, 2) \cup (2, \infty)"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
    (r"\begin{pmatrix} 0.5 \\ 2 \end{pmatrix}", r"\begin{pmatrix}\frac12\\2\end{pmatrix}"),
    ("2 + 3i", "3i + 2"), ("1011_2", "1011_{2}"), (r"\text{ellipse}", "ellipse"),
    ("even", r"\text{Even}"), (r"\text{(C)}", "C"), ("C", r"\text{C}"),
    (r"\text{Friday}", "friday"), (r"50\%", "0.5"),
    (r"\text{red, blue}", "blue, red"), ("2^{10}", "1024"), (r"\binom{5}{2}", "10"), ("5!", "120"),
    ("{7}", "7"), ("y=2x+1", "y = 1 + 2x"),
]  # fmt: skip
DIFFERENT = [
    (r"\frac{1}{2}", r"\frac{1}{3}"), (r"\frac{1}{2}", r"\frac{2}{1}"),
    (r"\frac{1}{2}", r"\frac{1"),
    ("12", "2"), ("2", "12"), ("5", "-5"), ("5", "5.1"), ("0.333", r"\frac{1}{3}"), ("100", "1000"),
    (r"50\%", "5"), (r"50\%", r"0.5\%"), (r"\$18", r"\$180"), ("10,000", "10"), ("10,000", "1000"),
    (r"\sqrt{2}", "2"), (r"\sqrt{2}", r"\sqrt{3}"), (r"2\sqrt{3}", r"3\sqrt{2}"), (r"\pi", "3.14"),
    ("(1,2)", "(2,1)"), ("(1,2)", "[1,2]"), ("[1,2)", "[1,2]"), ("1, 2", "1"), ("1", "1, 2"),
    ("1, 2", "1, 3"), (r"(-\infty, 3]", r"(-\infty, 3)"), (r"(-\infty, 3]", "3"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 2 \\ 1 \end{pmatrix}"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \\ 3 \end{pmatrix}"),
    ("2 + 3i", "2 - 3i"), ("2x+3", "2x-3"), ("x^2", "x^3"), ("x", "y"), ("x<3", "x>3"),
    ("1011_2", "1101_2"), (r"\text{even}", "odd"), ("even", "neve"),
    (r"\text{ellipse}", "ellipses"), ("50", "0.5"),
    (r"\text{ellipse}", r"\text{circle}"), (r"\text{(C)}", r"\text{(D)}"), ("7", ""), ("7", " "),
    ("7", "10000!!!"), ("7", r"\frac{1}{0}"), ("1", r"1\text{ or }2"), ("12", "1 2"),
    (r"\text{no}", "on"), ("5", "five hundred"), ("3", "3x"),
]  # fmt: skip


@pytest.fixture(scope="module")
def checker() -> Iterator[Checker]:
    checker = Checker(workers=2, seconds=1)
    yield checker
    asyncio.run(checker.aclose())


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
async def test_equal(checker, gold, answer):
    assert await checker.equal(gold, answer)


@pytest.mark.parametrize(("gold", "answer"), DIFFERENT)
async def test_different(checker, gold, answer):
    assert not await checker.equal(gold, answer)


@pytest.mark.parametrize(
    "answer",
    ["x" * 1_000_000, "9" * 900 + "^{" + "9" * 80 + "}", "{" * 900, "(" * 900, r"\frac{" * 150,
     "\x00", "\ud800", "9!!!!!!!", "2^{2^{2^{2^{2^{2}}}}}"],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
async def test_catastrophic_answers_are_wrong_in_bounded_time(checker, answer):
    start = time.monotonic()
    assert not await checker.equal("7", answer)
    assert time.monotonic() - start < 15
    assert await checker.equal("7", "14/2")


async def test_a_verdict_is_asked_for_once(checker, monkeypatch):
    assert await checker.equal("x+y", "y+x")

    async def refuse(*_: str) -> bool:
        raise CallLost

    monkeypatch.setattr(checker._pool, "call", refuse)
    assert await checker.equal("x+y", "y+x")
    assert not await checker.equal("x+y", "y+x+0")


def exact(numerator: int, denominator: int) -> str:
    return rf"\frac{{{numerator}}}{{{denominator}}}"


@settings(max_examples=40, deadline=None)
@given(st.integers(-999, 999), st.integers(1, 99), st.integers(1, 9))
def test_a_fraction_equals_its_multiples_and_nothing_else(checker, above, below, factor):
    same, other = exact(above * factor, below * factor), exact(above + 1, below)
    assert asyncio.run(checker.equal(exact(above, below), same))
    assert not asyncio.run(checker.equal(exact(above, below), other))
    assert latex.normal(same) == latex.normal(exact(above, below))
