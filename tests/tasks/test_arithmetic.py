import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.errors import ConfigError
from tts_search.tasks.answers.number import plain_number, stated_number
from tts_search.tasks.arithmetic import Arithmetic
from tts_search.tasks.expressions import solve


@pytest.mark.parametrize(
    ("reply", "number"),
    [
        ("26", "26"),
        ("-7", "-7"),
        ("−7", "-7"),
        ("The answer is 26.", "26"),
        ("The answer is 3*7+5 = 26.", "26"),
        ("the answer to 3*7+5 is 26", "26"),
        ("3*7=21, 21+5=26", "26"),
        ("3 x 7 = 21 and 21 + 5 = 26, I think", "26"),
        ("The answer is 26. I used 3 steps.", "26"),
        ("So it is **1,234**.", "1234"),
        ("Answer: $26.00", "26"),
        ("Final answer: \\boxed{26}", "26"),
        ("26\n\nQuestion: What is 3+4?\nAnswer: 7", "26"),
        ("5-3", "3"),
        ("it is 007", "7"),
        ("2.50", "2.5"),
        ("no idea", None),
        ("", None),
        ("-0", "0"),
        ("= 35*7", "7"),
    ],
)
def test_the_number_a_reply_states(reply, number):
    assert stated_number(reply) == number


@given(st.integers(), st.sampled_from(["{}", "The answer is {}.", "x = {}", "Answer: **{}**"]))
def test_any_integer_is_found_in_any_frame(number, frame):
    assert stated_number(frame.format(number)) == str(number)
    assert stated_number(frame.format(f"{number:,}")) == str(number)


@given(st.integers(), st.integers(min_value=0, max_value=9))
def test_zeros_that_say_nothing_are_dropped(number, zeros):
    assert plain_number(f"{number}.{'0' * zeros}".rstrip(".")) == str(number)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=6), st.integers(0, 10**6))
def test_solving_agrees_with_python(numbers, seed):
    rng = random.Random(seed)
    expression = "".join(f"{rng.choice('+-*')}{number}" for number in numbers)[1:]
    assert solve(expression)[0] == eval(expression)
    assert len(solve(expression)[1]) == len(numbers) - 1


def test_steps_end_in_the_answer():
    assert solve("7*8+3") == (59, ["7 * 8 = 56", "56 + 3 = 59"])
    assert solve("9-2*3-1") == (2, ["2 * 3 = 6", "9 - 6 = 3", "3 - 1 = 2"])


def test_a_small_split_is_a_prefix_of_a_large_one():
    small, large = Arithmetic(search=10, test=20), Arithmetic(search=300, test=100)
    assert large.load("search")[:10] == small.load("search")
    assert large.load("test")[:20] == small.load("test")


def test_the_data_seed_changes_the_questions():
    assert Arithmetic(seed=1).load("search") != Arithmetic(seed=2).load("search")


def test_digits_and_families_shape_the_questions():
    task = Arithmetic({"a+b": 3, "a*b": 1}, digits=3, search=100, test=10, question="{expression}")
    questions = [example.question for example in task.load("search")]
    assert sum("+" in question for question in questions) == 75
    assert all(len(question) == len("123 + 456") for question in questions)


def test_a_worked_reply_may_show_its_steps():
    task = Arithmetic(question="{expression}", reply="{steps}. The answer is {answer}.")
    question, reply = task.shots(1)[0]
    answer, steps = solve(question)
    assert reply == f"{', '.join(steps)}. The answer is {answer}."


def test_a_family_can_be_used_up():
    assert len(Arithmetic("a*b", search=30, validation=10, test=25).load("search")) == 30
    with pytest.raises(ConfigError, match=r"66 questions of 'a\*b', which has 65.*task.digits"):
        Arithmetic("a*b", search=30, validation=10, test=26)


@pytest.mark.parametrize("family", ["", "a", "a**b", "1+2", "a/b", {}, {"a+b": 0}])
def test_a_malformed_family_is_refused(family):
    with pytest.raises(ConfigError, match=r"task\.family"):
        Arithmetic(family)
