import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.tasks.answers import latex

PIECES = [*"{}\\$%^_ ,.()[]=+-*/0123456789abxyzEN\n", "\\frac", "\\boxed{", "\\text{", "\\left"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r"so $\boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
        (r"\boxed{3} then \boxed{4}", "4"),
        (r"\boxed{\begin{pmatrix} 1 \\ \frac{2}{3} \end{pmatrix}}",
         r"\begin{pmatrix} 1 \\ \frac{2}{3} \end{pmatrix}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed 9$", "9"),
        (r"\fbox{7}", "7"),
        (r"\boxed{5} and then \boxed{6", "5"),
        (r"\boxed{", None),
        ("no box", None),
        (r"\boxed{}", ""),
    ],
)  # fmt: skip
def test_the_last_box_that_closes(reply, answer):
    assert latex.boxed(reply) == answer


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("The answer is 5.", "5"),
        ("The final answer is $\\frac{1}{2}$. I hope it is correct.", "\\frac{1}{2}"),
        ("**Answer:** 12**", "12"),
        ("Answer: 0.25", "0.25"),
        ("The answer is 4. The answer is \\boxed{5}.", "5"),
        ("I do not know", None),
    ],
)
def test_an_answer_without_a_box(reply, answer):
    assert latex.stated_answer(reply) == answer


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\dfrac12", r"\frac{1}{2}"),
        ("0.50", r"\frac{2}{4}"),
        ("-.5", r"-\frac{1}{2}"),
        (r"10,\!000", "10000"),
        (r"\$18", "18"),
        (r"50\%", "50"),
        (r"90^\circ", "90"),
        (r"\text{Even}", "even"),
        (r"\left( 1, 2 \right)", "(1,2)"),
        ("x = 5", "5"),
        (r"\sqrt3", r"\sqrt{3}"),
        (r"36\text{ cm}^3", "36"),
        ("5.", "5"),
        (r"\text{red, blue}", r"\text{blue, red}"),
    ],
)
def test_spellings_that_share_a_vote(one, other):
    assert latex.normal(one) == latex.normal(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (r"\frac{1}{2}", r"\frac{1}{3}"),
        ("12", "1,2"),
        ("(1,2)", "(2,1)"),
        ("even", "neve"),
        ("[1,2]", "(1,2)"),
        ("5", "-5"),
        (r"\frac{1}{0}", "0"),
        (r"\sqrt{2}", "2"),
    ],
)
def test_answers_that_do_not_share_a_vote(one, other):
    assert latex.normal(one) != latex.normal(other)


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert latex.normal(latex.normal(text)) == latex.normal(text)


@given(st.text())
def test_any_text_has_a_normal_form(text):
    assert isinstance(latex.normal(text), str)
    latex.boxed(text)
    latex.stated_answer(text)


@given(
    st.recursive(
        st.sampled_from("abc12"), lambda inner: st.builds("\\frac{{{}}}{{{}}}".format, inner, inner)
    )
)
def test_a_box_keeps_any_nesting_whole(answer):
    assert latex.boxed(f"text \\boxed{{{answer}}} more") == answer
