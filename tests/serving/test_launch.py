"""Where servers go, and with what words they are started."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tts_search.core.models import ModelSpec
from tts_search.errors import ConfigError
from tts_search.serving.cards import Cards, Placement, card_gb, visible
from tts_search.serving.command import flag
from tts_search.serving.launch import Launch

LLAMA = [
    ModelSpec("1b", "llama-1b", params=1e9, weights="meta/1B"),
    ModelSpec("3b", "llama-3b", params=3e9, weights="meta/3B"),
    ModelSpec("8b", "llama-8b", params=8e9, weights="meta/8B"),
    ModelSpec("70b", "llama-70b", params=7e10, weights="meta/70B"),
]


def placements(launch, models):
    return launch.place(launch.servers(models))


def test_on_a_card_each_gets_what_its_weights_need():
    placed = placements(Launch(card_gb=80), LLAMA[:3])
    assert [p.gb for p in placed] == [16, 6, 2]
    assert [p.gpus for p in placed] == [(0,)] * 3
    assert [p.share for p in placed] == [round(0.9 * (gb + 4) / 36, 3) for gb in (16, 6, 2)]


def test_what_fits_no_card_is_split_over_as_few_as_hold_it():
    placed = {p.served: p for p in placements(Launch(gpus=[0, 1, 2, 3], card_gb=80), LLAMA)}
    assert placed["llama-70b"].gpus == (0, 1, 2, 3)  # 140 GB / 2 + 4 is more than 72
    assert len({placed[f"llama-{n}b"].gpus for n in (1, 3, 8)}) == 3
    two = placements(Launch(gpus=[0, 1], card_gb=141), LLAMA)
    assert two[0].gpus == (0, 1)


def test_what_does_not_fit_is_refused_with_the_numbers():
    with pytest.raises(ConfigError, match=r"card 0 need 180 GB.*0\.9 of its 80 GB are 72.*gpus="):
        placements(Launch(card_gb=80), LLAMA)


def test_without_a_known_size_nothing_is_refused():
    shares = [p.share for p in Cards([0], None, 0.9).place([Placement("a", "a", gb=500)])]
    assert shares == [0.9]


@given(
    sizes=st.lists(st.floats(0, 60), min_size=1, max_size=8),
    cards=st.integers(1, 4),
    memory=st.floats(0.5, 1),
)
def test_shares_of_a_card_never_exceed_what_servers_may_take(sizes, cards, memory):
    servers = [Placement(str(n), str(n), gb=gb) for n, gb in enumerate(sizes)]
    placed = Cards(range(cards), None, memory).place(servers)
    for card in range(cards):
        on_it = [p for p in placed if card in p.gpus]
        assert sum(p.share for p in on_it) <= memory + 0.001 * len(on_it)
    assert {p.served for p in placed} == {s.served for s in servers}


def test_own_cards_and_arguments_of_a_model():
    own = {"llama-8b": {"gpus": [1, 2], "args": {"quantization": "fp8"}}}
    launch = Launch(gpus=[0, 1, 2], card_gb=80, own=own, args={"max_model_len": 4096})
    specs = {p.served: launch.spec(p) for p in placements(launch, LLAMA[:3])}
    words = " ".join(specs["llama-8b"].command)
    assert "--tensor-parallel-size 2" in words
    assert "--max-model-len 4096 --quantization fp8" in words
    assert specs["llama-8b"].env["CUDA_VISIBLE_DEVICES"] == "1,2"
    assert specs["llama-8b"].gpus == ("1", "2")
    assert "quantization" not in " ".join(specs["llama-1b"].command)


def test_a_share_of_its_own_leaves_the_rest_to_others():
    own = {"llama-3b": {"memory": 0.5}}
    placed = {p.served: p for p in placements(Launch(card_gb=80, own=own), LLAMA[:3])}
    assert placed["llama-3b"].share == 0.5
    assert placed["llama-8b"].share == pytest.approx(0.4 * 20 / 26, abs=0.001)
    assert placed["llama-1b"].share == pytest.approx(0.4 * 6 / 26, abs=0.001)
    with pytest.raises(ConfigError, match=r"card 0 need 26 GB.*but 0\.1 of its 80 GB are 8"):
        placements(Launch(card_gb=80, own={"llama-3b": {"memory": 0.8}}), LLAMA[:3])
    with pytest.raises(ConfigError, match=r"are given 1\.1 of the memory of card 0"):
        placements(
            Launch(own={"llama-1b": {"memory": 0.5}, "llama-3b": {"memory": 0.6}}), LLAMA[:2]
        )
    with pytest.raises(ConfigError, match="but 0 of it is left"):
        Cards([0], None, 0.9).place([Placement("a", "a", share=0.9), Placement("b", "b")])


def test_without_cards_there_is_no_share_of_one():
    launch = Launch(gpus=[], own={"llama-1b": {"gpus": [0], "memory": 0.5}})
    (placed,) = placements(launch, LLAMA[:1])
    assert placed.gpus == ()
    assert "--gpu-memory-utilization" not in launch.spec(placed).command


def test_its_share_does_not_change_what_it_answers():
    half = Launch(card_gb=80, own={"llama-1b": {"memory": 0.5}})
    assert half.identity(placements(half, LLAMA[:1])[0]) == Launch().identity(
        Placement("llama-1b", "meta/1B")
    )


def test_replicas_go_to_cards_of_their_own():
    own = {"llama-8b": {"replicas": 3}}
    placed = placements(Launch(gpus=[0, 1, 2, 3], card_gb=80, own=own), LLAMA[:3])
    assert [p.gpus for p in placed] == [(0,), (1,), (2,), (3,), (3,)]
    own = {"llama-8b": {"replicas": 2, "gpus": [0, 1, 2, 3]}}
    placed = placements(Launch(gpus=[0, 1, 2, 3], card_gb=80, own=own), LLAMA[2:3])
    assert [p.gpus for p in placed] == [(0, 1), (2, 3)]


def test_replicas_are_servers_of_their_own_that_answer_alike():
    one, two = Launch(gpus=(), own={}), Launch(gpus=(), own={"llama-1b": {"replicas": 2}})
    (alone,) = placements(one, LLAMA[:1])
    first, second = placements(two, LLAMA[:1])
    assert one.identity(alone) == two.identity(first) == two.identity(second)
    assert one.spec(alone).key == two.spec(first).key != two.spec(second).key
    assert two.spec(second).title == "llama-1b replica 2"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"replicas": 0}, r"own\.llama-1b\.replicas: .*greater than or equal to 1, but got 0"),
        ({"replicas": "two"}, r"own\.llama-1b\.replicas: .*valid integer.*but got 'two'"),
        ({"gpus": 2}, r"own\.llama-1b\.gpus: .*valid tuple, but got 2"),
        ({"memory": 0}, r"own\.llama-1b\.memory: .*greater than 0, but got 0"),
        ({"memory": "lots"}, r"own\.llama-1b\.memory: .*valid number.*'lots'"),
        ({"replicas": 2, "gpus": [0, 1, 2]}, r"as many cards each.*gpus=\[0, 1, 2\]"),
        (
            {"replica": 2},
            r"no setting llm\.launch\.own\.llama-1b\.replica; did you mean .*replicas",
        ),
    ],
)
def test_what_a_model_cannot_have_of_its_own_is_refused(own, said):
    with pytest.raises(ConfigError, match=said):
        Launch(own={"llama-1b": own}).servers(LLAMA[:1])


def test_the_router_is_told_where_they_are_and_knows_no_other_run():
    launch = Launch(gpus=(), router={"policy": "cache_aware"})
    spec = launch.router_of("llama-1b", ["http://a:1/v1", "http://a:2/v1"])
    words = " ".join(spec.command)
    assert "--worker-urls http://a:1 http://a:2 --prometheus-port {spare}" in words
    assert "--policy cache_aware --host 127.0.0.1 --port {port}" in words
    assert spec.key != launch.router_of("llama-1b", ["http://a:1/v1", "http://a:3/v1"]).key


def test_cards_count_among_those_a_job_was_given(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-ab12")
    launch = Launch(gpus=[0, 1], card_gb=80, own={"llama-8b": {"gpus": [1]}})
    (placed,) = placements(launch, LLAMA[2:3])
    assert launch.spec(placed).env["CUDA_VISIBLE_DEVICES"] == "GPU-ab12"
    assert launch.spec(placed).env["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    with pytest.raises(ConfigError, match=r"card 2 is not there.*'5,GPU-ab12' shows 2"):
        placements(Launch(gpus=[2]), LLAMA[:1])


def test_memory_is_that_of_the_cards_that_are_used(tmp_path, monkeypatch):
    script = tmp_path / "nvidia-smi"
    script.write_text('#!/bin/sh\n[ "$2" = 3,4 ] && printf "81559\\n40960\\n"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert card_gb(visible([3, 4])) == pytest.approx(42.95, abs=0.01)
    assert card_gb(["0"]) is None  # it said nothing
    monkeypatch.setenv("PATH", "")
    assert card_gb(["3", "4"]) is None


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(ConfigError, match=r"llama-9b.*there are llama-1b"):
        placements(Launch(own={"llama-9b": {}}), LLAMA[:1])


def test_one_name_cannot_have_two_weights():
    other = ModelSpec("odd", "llama-1b", weights="else/1B")
    with pytest.raises(ConfigError, match="meta/1B and from else/1B"):
        placements(Launch(), [LLAMA[0], other])


def test_where_it_runs_does_not_change_which_server_it_is(tmp_path):
    for name in "ab":
        (tmp_path / name / "w").mkdir(parents=True)
        (tmp_path / name / "w" / "model.safetensors").write_bytes(b"x" * 300_000)
    (tmp_path / "c" / "w").mkdir(parents=True)
    (tmp_path / "c" / "w" / "model.safetensors").write_bytes(b"x" * 299_999 + b"y")

    def key(folder: str, **settings: object) -> str:
        launch = Launch(weights={"llama-1b": str(tmp_path / folder / "w")}, **settings)
        (placed,) = placements(launch, LLAMA[:1])
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
