import time
from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.tasks.answers.choice import stated_choice

CITIES = ["Paris", "London", "Rome", "Madrid"]
FRAMES = ["{}", "({})", "{}.", "**{}**", "The answer is {}.", "answer: {}", r"\boxed{{{}}}"]
# Each once made, or could make, a pattern take time quadratic in its length.
PIECES = [
    "A ", "answer is ", "answer is A and ", r"\boxed{", "the option ", "so ", "= ", "\n", "**", "(",
    "A. x this ", "B. London\n", "Paris ", "\nQuestion ", "\x00", "\ud800", " ", " or ",
]  # fmt: skip


@given(st.integers(2, 10), st.data(), st.sampled_from(FRAMES), st.booleans())
def test_every_letter_is_read_in_every_frame(count, data, frame, small):
    letter = data.draw(st.sampled_from(ascii_uppercase[:count]))
    choices = [f"choice number {n}" for n in range(count)]
    stated = letter.lower() if small else letter
    assert stated_choice(frame.format(stated), choices) == letter


@given(st.permutations(CITIES), st.sampled_from(CITIES))
def test_a_choice_by_its_text_follows_the_order_of_the_choices(choices, city):
    letter = "ABCD"[choices.index(city)]
    assert stated_choice(f"The answer is {city}.", choices) == letter
    assert stated_choice(city, choices) == letter


@pytest.mark.parametrize("letter", ["E", "e", "Z"])
def test_a_letter_beyond_the_choices_is_none(letter):
    assert stated_choice(f"The answer is {letter}.", CITIES) is None
    assert stated_choice(f"The answer is {letter}.", [*CITIES, "Oslo"]) == (
        "E" if letter in "Ee" else None
    )


def test_a_text_that_two_choices_share_states_neither():
    assert stated_choice("Rome", ["Rome", "Paris", "Rome"]) is None
    assert stated_choice("A. Rome", ["Rome", "Paris", "Rome"]) == "A"


@given(st.text(), st.lists(st.text(), max_size=5))
def test_any_text_is_read(text, choices):
    letters = ascii_uppercase[: len(choices)]
    assert stated_choice(text, choices) in {None, *letters}


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_megabyte_is_read_in_bounded_time(piece):
    start = time.monotonic()
    stated_choice(piece * (1_000_000 // len(piece)), [*CITIES, "a " * 300])
    assert time.monotonic() - start < 10
