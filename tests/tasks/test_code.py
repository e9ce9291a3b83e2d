"""The function a reply writes, in every form that replies were seen to have."""

import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tts_search.tasks.answers.code import LONGEST, Stub, normal, solution

STUB = Stub(
    '''import math


def tenth(x):
    return x / 10


def area(r: float) -> float:
    """Tenth of the area of a circle.
    >>> area(0)
    0.0
    """
''',
    "area",
)
BODY = "    square = r * r\n    return tenth(math.pi * square)\n"
WHOLE = "def area(r: float) -> float:\n" + BODY
RIGHT = pytest.approx(0.4 * 3.14159265)


def run(source: str | None) -> float:
    """area(2) of a program that this file wrote."""
    assert source is not None
    names: dict[str, object] = {}
    exec(compile(source, "reply", "exec"), names)
    return names["area"](2)  # type: ignore[operator]


REPLIES = {
    "a bare completion": BODY,
    "after an empty line": "\n" + BODY,
    "a completion without its first indentation": BODY.lstrip(),
    "a completion without any indentation": textwrap.dedent(BODY),
    "a completion that goes on": BODY + "\n\ndef area(r):\n    return 0\n",
    "a completion that goes on to use it": BODY + "\nprint(undefined)\n",
    "a completion that goes on to test it": BODY + "\nif __name__ == '__main__':\n    1 / 0\n",
    "a completion that goes on to comment": BODY + "\n# Next:\n???\n",
    "a completion that goes on to a class": BODY + "\nclass Solution\n",
    "a completion that repeats the docstring": '    """Area."""\n' + BODY,
    "a whole function": WHOLE,
    "the prompt, completed": STUB.prompt + BODY,
    "between prose": f"Here is the function:\n\n{WHOLE}\nThis works because it is right.",
    "between prose, with a use": f"Sure!\n{WHOLE}\nprint(area(1), undefined)\n\nDone.",
    "between prose, in the black style": f"So:\ndef area(\n    r,\n) -> float:\n{BODY}Done it.",
    "between prose, decorated": f"So:\nfrom functools import cache\n@cache\n{WHOLE}Done, I hope.",
    "fenced": f"```python\n{WHOLE}```",
    "fenced in prose": f"Here you are:\n\n```python\n{WHOLE}```\n\nIt costs O(1).",
    "fenced without a language": f"```\n{WHOLE}```",
    "fenced by tildes": f"~~~python\n{WHOLE}~~~",
    "fenced in capitals": f"```Python\n{WHOLE}```",
    "fenced by four": f"````python\n{WHOLE}````",
    "fenced and never closed": f"Well:\n```python\n{WHOLE}",
    "fenced, cut off after the function": f"```python\n{WHOLE}\nprint(area(",
    "fenced, never closed and begun anew": f"```python\nx = (\n\n```python\n{WHOLE}```",
    "fenced in a list": "1. So:\n\n" + textwrap.indent(f"```python\n{WHOLE}```", "   "),
    "fenced, the body alone": f"```python\n{BODY}```",
    "fenced, the body without indentation": f"```python\n{textwrap.dedent(BODY)}```",
    "fenced on the line of the prose": f"Answer: ```python\n{WHOLE}``` as you wished",
    "Windows lines": f"```python\n{WHOLE}```".replace("\n", "\r\n"),
    "the last of two": f"```python\ndef area(r):\n    return 0\n```\nNo:\n```python\n{WHOLE}```",
    "with a use after it": f"```python\n{WHOLE}```\nUse:\n```python\nprint(area(1), u)\n```",
    "with its output after it": f"```python\n{WHOLE}```\nOutput:\n```\n1.25\n```",
    "with a block of another language": f"```python\n{WHOLE}```\n```js\narea = (r) => 0\n```",
    "with a use in the block": f"```python\n{WHOLE}\nprint(area(1), undefined)\n```",
    "with a wrong assertion": f"```python\n{WHOLE}\nassert area(1) == 7\n```",
    "with a test that fails": f"```python\n{WHOLE}\ndef t():\n    assert area(1) == 7\n\nt()\n```",
    "with a program around it": f"```python\n{WHOLE}\nr = float(input())\nprint(area(r))\n```",
    "with a main guard": f"```python\n{WHOLE}\nif __name__ == '__main__':\n    area(1)\n```",
    "with doctests": f'```python\n{WHOLE[:29]}\n    """\n    >>> area(0)\n    7"""\n{BODY}```',
    "with its helper redefined": f"```python\ndef tenth(x):\n    return x * 0.1\n\n{WHOLE}```",
    "with its helper in another block": (
        "```python\nimport cmath\n\ndef helped(r):\n    return tenth(cmath.pi.real * r ** 2)\n```\n"
        "and then\n```python\ndef area(r):\n    return helped(r)\n```"
    ),
    "with its helper in a later block": (
        "```python\ndef area(r):\n    return helped(r)\n```\nwhere\n"
        "```python\ndef helped(r):\n    return tenth(math.pi * r ** 2)\n\nassert helped(1)\n```"
    ),
    "with a table that it needs": (
        "```python\nPI = {}\nPI[0] = 3.14159265\n"
        "def area(r):\n    area.calls += 1\n    return tenth(PI[0] * r ** 2)\narea.calls = 0\n```"
    ),
    "with a setting": f"```python\nimport sys\nsys.setrecursionlimit(5000)\n{WHOLE}```",
    "with a loop that fills a table": (
        "```python\nsquares = []\nfor i in range(5):\n    squares.append(i * i)\n\n"
        "def area(r):\n    return tenth(math.pi * squares[r])\n```"
    ),
    "from the future": f"```python\nfrom __future__ import annotations\n{WHOLE}```",
    "as a lambda": "```python\narea = lambda r: tenth(math.pi * r * r)\n```",
    "after thinking": f"<think>\n```python\ndef area(r): return 0\n</think>\n```python\n{WHOLE}```",
    "after an indented line": f"  Right:\n```python\n{WHOLE}```",
}  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_a_function_is_found_in(reply):
    assert run(solution(reply, STUB)) == RIGHT


DOC = '    """Area."""\n'
LAYOUTS = [
    BODY,
    WHOLE,
    STUB.prompt + BODY,
    f"```python\nimport math\n\n{WHOLE}```",
    f"```python\n{WHOLE}\nprint(area(3))\n```",
    f'```python\n{WHOLE.replace(BODY, "    # squared" + chr(10) + BODY)}```',
    f"Well:\n{WHOLE.replace(BODY, DOC + BODY)}",
    WHOLE.replace("r * r", "(r*r)").replace("    ", "  "),
]  # fmt: skip


def test_votes_are_for_the_code_not_for_its_layout():
    votes = {normal(solution(reply, STUB), STUB) for reply in LAYOUTS}
    assert votes == {
        "def area(r: float) -> float:\n    square = r * r\n    return tenth(math.pi * square)"
    }


def test_votes_are_for_the_code():
    other = normal(solution(BODY.replace("r * r", "r ** 2"), STUB), STUB)
    assert other != normal(solution(BODY, STUB), STUB)


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot do that.",
        "Sure",
        "return",
        "42",
        "```python\n```",
        "```python\nx = (\n```",
        "```js\nfunction area(r) { return r }\n```",
        "    # to be done\n",
        "def area(r):\n    return (",
    ],
)
def test_no_function_is_found_in(reply):
    found = solution(reply, STUB)
    assert found is None or run(found) is None


def test_a_method_is_not_the_function():
    found = solution(
        "```python\nclass Solution:\n    def area(self, r):\n        return 1\n```", STUB
    )
    assert found is None


def test_a_function_of_another_name_is_what_the_reply_states_but_not_the_function():
    found = solution("```python\ndef surface(r):\n    return 1\n```", STUB)
    assert normal(found, STUB) == "def surface(r):\n    return 1"
    with pytest.raises(KeyError):
        run(found)


def test_without_a_stub_the_last_block_that_defines_a_function_counts():
    text = "```\ndef a():\n    return 1\n```\n```\ndef b():\n    return 2\n```\n```\nb()\n```"
    assert normal(solution(text)) == "def b():\n    return 2"
    assert solution("x = 1") is solution("```\nb()\n```") is None


def test_a_completion_is_run_as_the_official_scorer_runs_it():
    """prompt + completion, letter by letter."""
    assert solution(BODY + "\n# more", STUB) == STUB.prompt + BODY


def test_code_without_comments_and_docstrings_is_still_code():
    bare = normal(
        'def f():\n    "Doc."\n\nclass A:\n    "Doc."\n    def g(self):\n        """Doc."""\n'
    )
    assert bare == "def f():\n    pass\n\nclass A:\n\n    def g(self):\n        pass"
    assert normal('"""Text alone."""') is normal("# a comment") is normal("1 +") is None


@pytest.mark.parametrize("prompt", ["area of a circle", "def area(r)\n", "area = 1\n", ""])
def test_a_prompt_that_is_no_stub_is_told(prompt):
    assert Stub(prompt, "area").piece is None
    assert solution(BODY, Stub(prompt, "area")) is None


HEAVY = [
    "x" * 10**6, "{" * 10**6, "\n" * 10**6, "```" * 300_000, "```python\n" * 100_000,
    "```python\nx=1\n" * 70_000, "x\n" * 500_000, "a=?\n" * 250_000, "a=1\n" * 250_000,
    "-" * 10**6 + "1", "(lambda:" * 90, "f'{" * 10_000, "1+" * 10**5 + "1", "x" + ".a" * 10**5,
    "def f():\n" * 10**5, "    x=1\n" * 10**5, "@a\n" * 10**5, '"""' * 10**5, "a[b]=c;" * 10**5,
    "\\\n" * 10**5, "if x:\n pass\n" + "elif x:\n pass\n" * 10**5, "\x00", "\ud800", "\f" * 10**5,
]  # fmt: skip


@pytest.mark.parametrize("text", HEAVY, ids=lambda text: ascii(text[:9]))
@pytest.mark.parametrize("stub", [STUB, None], ids=["stub", "no stub"])
def test_no_text_takes_long_or_raises(text, stub):
    """Aim: 0.3 s of processor time; only ten times that fails the test."""
    started = time.process_time()
    found = solution(text, stub)
    assert found is None or normal(found, stub) is not None
    assert time.process_time() - started < 3


def test_of_a_long_reply_the_end_is_read():
    assert run(solution("so " * LONGEST + f"\n```python\n{WHOLE}```", STUB)) == RIGHT


PARTS = [
    "```", "```python\n", "\n", "    ", "def area(r):\n", BODY, WHOLE, "return r", "class A:\n",
    "'''", "print(area(1))", "# x", "\x00", "@", "import os", "</think>", "~~~", "é", "\ud800", "(",
    ";", "=",
]  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=12).map("".join))
def test_what_is_found_is_python_and_its_normal_form_stays(text):
    found = solution(text, STUB)
    if found is not None:
        form = normal(found, STUB)
        if form is not None:
            assert normal(solution(f"```python\n{form}\n```", STUB), STUB) == form
