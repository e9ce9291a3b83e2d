"""Prompts are filled and nothing else in them is touched; votes are counted by stated answer."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.environment.roles import MajorityVote, PromptRole, worded
from tts_search.errors import ConfigError

from .parts import TASK

LATEX = r"\frac{1}{2} \text{ of } {question} {answers} {index} {} {{x}} {0} \1 \g<0>"
READER = PromptRole("reader", "Q: {question}\nA:\n{answers}\n\\boxed{like this}")


@pytest.mark.parametrize("answers", [(), (LATEX,), (LATEX, "7")], ids=len)
def test_braces_of_questions_and_answers_are_left_alone(answers: tuple[str, ...]) -> None:
    text = READER.render(LATEX, answers)
    assert text.count(LATEX) == 1 + answers.count(LATEX)


@given(st.text(), st.lists(st.text().map(str.strip), min_size=1, max_size=4))
def test_any_text_arrives_word_for_word(question: str, answers: list[str]) -> None:
    shown = "\n\n".join(f"Answer {i}:\n{a}" for i, a in enumerate(answers, 1))
    want = f"Q: {question}\nA:\n{shown}\n\\boxed{{like this}}"
    assert READER.render(question, answers) == want


def test_without_predecessors_the_question_is_asked_alone() -> None:
    role = PromptRole("r", "{question} {answers}", alone="Think. {question}")
    assert role.render("2+2?", ()) == "Think. 2+2?"


@pytest.mark.parametrize(
    ("texts", "missing"),
    [
        ({"with_answers": "{question}"}, "{answers}"),
        ({"with_answers": "{answers}"}, "{question}"),
        ({"with_answers": "{question} {answers}", "alone": "Answer!"}, "{question}"),
    ],
)
def test_a_prompt_that_leaves_something_out_is_refused(texts: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigError, match="role cook.*" + re.escape(missing)):
        PromptRole("cook", **texts)


@pytest.mark.parametrize(
    ("said", "winner"),
    [
        (["It is 1.", "It is 2.", "2"], "It is 2."),  # most often, as first worded
        (["It is 1.", "It is 2."], "It is 1."),  # a tie goes to the earlier
        (["3", "2", "1", "1", "2"], "2"),
        (["no idea", "It is 4.", "hm"], "It is 4."),  # no answer, no vote, however many
        (["no idea", "hm"], "no idea"),  # unless nobody states any
        (["", "5"], "5"),
    ],
)
def test_majority(said: list[str], winner: str) -> None:
    assert MajorityVote().combine(said, TASK.extract) == winner


def test_an_empty_answer_is_an_answer() -> None:
    """A task may state the empty string (an empty list, say); it can win a vote."""
    said = ["[]", "[]", "[1]"]
    assert MajorityVote().combine(said, lambda text: text.strip("[]")) == "[]"


def test_a_task_words_a_role_and_leaves_the_rest() -> None:
    role = worded(
        READER, {"with_answers": "Code for {question}:\n{answers}", "system": "Be brief."}
    )
    assert (role.name, role.min_parents, role.system) == ("reader", 0, "Be brief.")
    assert role.render("f", ["x"]) == "Code for f:\nAnswer 1:\nx"
    assert worded(READER, {}) is READER


@pytest.mark.parametrize(
    ("role", "words", "message"),
    [
        (READER, {"name": "x"}, r"task\.prompts\.reader may set system, alone.*got name"),
        (READER, {"with_answers": "{question}"}, r"with_answers must contain \{answers\}"),
        (MajorityVote(), {"alone": "{question}"}, r"task\.prompts\.vote may set nothing"),
    ],
)
def test_words_that_a_role_has_no_room_for_are_refused(
    role: PromptRole | MajorityVote, words: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        worded(role, words)
