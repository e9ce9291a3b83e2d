"""The commands for servers by hand."""

import time

from tests.serving.conftest import STANDIN
from tts_search.servers import main
from tts_search.serving.place import Place, State

POOL = (
    *("llm=vllm", "pool=embedded", f"llm.launch.python={STANDIN}", "llm.launch.gpus=[]"),
    "llm.launch.linger_s=0.2",
)


def test_up_show_down(root, capsys):
    assert main(["up", *POOL]) == 0
    assert "smollm2-135m-instruct: up, http://127.0.0.1:" in capsys.readouterr().out
    time.sleep(1)
    assert main(["show"]) == 0
    assert "pinned" in capsys.readouterr().out
    assert main(["up", *POOL]) == 0  # already there
    (folder,) = root.glob("smollm2*")
    assert Place(folder).log.read_text().count("--- start") == 1
    assert main(["down", "smollm2-135m-instruct"]) == 0
    assert "smollm2-135m-instruct: stopped" in capsys.readouterr().out
    assert not Place(folder).kept
    assert main(["show"]) == 0
    assert capsys.readouterr().out == "no server runs here\n"


def test_what_another_version_left_is_read(root, capsys):
    folder = root / "m-1"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text('{"served": "m", "identity": "i", "command": [], "gpu": 0}')
    Place(folder).write(State("failed", "", 1, 0, 0.0, reason="no memory"))
    assert main(["show"]) == 0
    assert "m: failed (no memory)" in capsys.readouterr().out


def test_a_failed_start_is_one_line_and_shown(capsys):
    words = [*POOL, "+llm.launch.env.STANDIN_FAIL='no memory'"]
    assert main(["up", *words]) == 1
    error = capsys.readouterr().err
    assert "no memory" in error
    assert error.count("\n") == 1
    assert main(["show"]) == 0
    assert "failed (it ended with code 1: no memory)" in capsys.readouterr().out
    assert main(["down"]) == 0  # seen
    assert capsys.readouterr().out == "no server runs here\n"


def test_mistakes_are_one_line(capsys):
    for words, says in (
        (["up", "llm=embedded"], "start no server"),
        (["up", "llm=vllm", "llm.base_url=http://h:1/v1"], "start no server"),
        (["down", "nosuch"], "no server of nosuch; there are none"),
        (["sideways"], "servers --help"),
        (["up", "pool=nosuch"], "pool"),
    ):
        assert main(words) == 1
        error = capsys.readouterr().err
        assert says in error
        assert error.count("\n") == 1
