"""Where servers go, and with what words they are started."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError
from tts_search.serving.cards import Cards, Placement
from tts_search.serving.launch import Launch, flag

LLAMA = [
    ModelSpec("1b", "llama-1b", params=1e9, weights="meta/1B"),
    ModelSpec("3b", "llama-3b", params=3e9, weights="meta/3B"),
    ModelSpec("8b", "llama-8b", params=8e9, weights="meta/8B"),
    ModelSpec("70b", "llama-70b", params=7e10, weights="meta/70B"),
]


def test_on_a_card_each_gets_what_its_weights_need():
    placed = Launch(card_gb=80).placements(LLAMA[:3])
    assert [p.gb for p in placed] == [16, 6, 2]
    assert [p.gpus for p in placed] == [(0,)] * 3
    assert [p.share for p in placed] == [round(0.9 * (gb + 4) / 36, 3) for gb in (16, 6, 2)]


def test_what_fits_no_card_is_split_over_as_few_as_hold_it():
    placed = {p.served: p for p in Launch(gpus=[0, 1, 2, 3], card_gb=80).placements(LLAMA)}
    assert placed["llama-70b"].gpus == (0, 1, 2, 3)  # 140 GB / 2 + 4 is more than 72
    assert len({placed[f"llama-{n}b"].gpus for n in (1, 3, 8)}) == 3
    two = Launch(gpus=[0, 1], card_gb=141).placements(LLAMA)
    assert two[0].gpus == (0, 1)


def test_what_does_not_fit_is_refused_with_the_numbers():
    with pytest.raises(ConfigError, match=r"card 0 need 180 GB.*0\.9 of its 80 GB are 72.*gpus="):
        Launch(card_gb=80).placements(LLAMA)


def test_without_a_known_size_nothing_is_refused():
    shares = [p.share for p in Cards([0], None, 0.9).place([Placement("a", "a", gb=500)], {})]
    assert shares == [0.9]


@given(
    sizes=st.lists(st.floats(0, 60), min_size=1, max_size=8),
    cards=st.integers(1, 4),
    memory=st.floats(0.5, 1),
)
def test_shares_of_a_card_never_exceed_what_servers_may_take(sizes, cards, memory):
    servers = [Placement(str(n), str(n), gb=gb) for n, gb in enumerate(sizes)]
    placed = Cards(range(cards), None, memory).place(servers, {})
    for card in range(cards):
        on_it = [p for p in placed if card in p.gpus]
        assert sum(p.share for p in on_it) <= memory + 0.001 * len(on_it)
    assert {p.served for p in placed} == {s.served for s in servers}


def test_own_cards_and_arguments_of_a_model():
    own = {"llama-8b": {"gpus": [1, 2], "args": {"quantization": "fp8"}}}
    launch = Launch(gpus=[0, 1, 2], card_gb=80, own=own, args={"max_model_len": 4096})
    specs = {p.served: launch.spec(p) for p in launch.placements(LLAMA[:3])}
    words = " ".join(specs["llama-8b"].command)
    assert "--tensor-parallel-size 2" in words
    assert "--max-model-len 4096 --quantization fp8" in words
    assert specs["llama-8b"].env["CUDA_VISIBLE_DEVICES"] == "1,2"
    assert specs["llama-8b"].gpus == (1, 2)
    assert "quantization" not in " ".join(specs["llama-1b"].command)


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"llama-9b.*there are llama-1b"):
        Launch(own={"llama-9b": {}}).placements(LLAMA[:1])


def test_one_name_cannot_have_two_weights():
    other = ModelSpec("odd", "llama-1b", weights="else/1B")
    with pytest.raises(ConfigError, match="meta/1B and from else/1B"):
        Launch().placements([LLAMA[0], other])


def test_where_it_runs_does_not_change_which_server_it_is(tmp_path):
    for name in "ab":
        (tmp_path / name / "w").mkdir(parents=True)
        (tmp_path / name / "w" / "model.safetensors").write_bytes(b"x" * 300_000)
    (tmp_path / "c" / "w").mkdir(parents=True)
    (tmp_path / "c" / "w" / "model.safetensors").write_bytes(b"x" * 299_999 + b"y")

    def key(folder: str, **settings: object) -> str:
        launch = Launch(weights={"llama-1b": str(tmp_path / folder / "w")}, **settings)
        (placed,) = launch.placements(LLAMA[:1])
        return launch.spec(placed).key

    assert key("a") == key("b") == key("a", memory=0.5, gpus=[3], linger_s=1.0, python="p")
    assert key("a") != key("c")
    assert key("a") != key("a", args={"dtype": "float16"})


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (8192, ["--max-len", "8192"]),
        (True, ["--max-len"]),
        (False, ["--no-max-len"]),
        (None, []),
        ({"a": 1}, ["--max-len", '{"a": 1}']),
    ],
)
def test_arguments_are_written_as_vllm_reads_them(value, words):
    assert flag("max_len", value) == words


def test_a_share_of_memory_is_one():
    with pytest.raises(ConfigError, match=r"llm\.launch\.memory.*1\.5"):
        Launch(memory=1.5)
