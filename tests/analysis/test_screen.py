import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from tracking.examples import SINGLE, random_graph, summary

from tts_search.analysis.screen import render_summary
from tts_search.analysis.verdict import difference, verdicts
from tts_search.core.result import BudgetUse, Calls, Summary, TestScore
from tts_search.core.statistics import Interval, wilson


def shown(
    result: Summary, folder: Path | None = None, files: tuple[Path, ...] = (), width: int = 120
) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(render_summary(result, folder, files))
    return capture.get()


def test_the_screen_holds_the_figures_of_the_summary() -> None:
    text = shown(summary())
    for figure in (
        "67.0%", "60.2 – 73.1%", "n = 200", "7.63 of 8", "estimated 7.4", "5.1e10 FLOPs",
        "50.0%", "2.31", "66.5%", "12.3k sent", "40.2k reused", "3 failed", "60 trials",
        "24.0k calls", "3.1M tokens", "$0.012", "14 calls", "45.2k tokens", "$0.0023",
        "12 min 34 s", "search.trials", "agent_reinforce (smollm2)", "seed 3",
    ):  # fmt: skip
        assert figure in text, figure


def test_it_fits_a_terminal() -> None:
    lines = shown(summary(), Path("outputs/x"), (Path("outputs/x/best_graph.png"),)).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 38


def test_it_gets_along_with_80_columns() -> None:
    text = shown(summary(), width=80)
    assert max(map(len, text.splitlines())) <= 80
    for whole in ("search winner ", "best single model ", "60.2 – 73.1%", "7.63 "):
        assert whole in text, whole


def test_any_winner_can_be_shown() -> None:
    for seed in range(40):
        lines = shown(summary(best=random_graph(seed))).splitlines()
        assert max(map(len, lines)) <= 100, seed


def test_overlap_is_called_not_distinguishable_and_a_clear_gap_is_not() -> None:
    text = shown(summary())
    assert "not distinguishable from self-consistency at 95%" in text
    assert "better than best single model" in text
    worse = summary(test=TestScore(0.3, wilson(60, 200), 200))
    assert [v.standing for v in verdicts(worse)] == ["worse", "worse"]


def test_difference_agrees_with_newcombe() -> None:
    """Newcombe 1998, table II, contrast (a): 56/70 against 48/80 gives 0.0524 to 0.3339."""
    test = TestScore(56 / 70, wilson(56, 70), 70)
    other = replace(summary().baselines[0], score=48 / 80, ci95=wilson(48, 80))
    low, high = difference(test, other)
    assert abs(low - 0.0524) < 5e-5
    assert abs(high - 0.3339) < 5e-5


def test_a_winner_that_is_a_baseline_is_said_to_be_it() -> None:
    assert "the same graph as best single model" in shown(summary(best=SINGLE, best_key="one"))


def test_labels_are_loud() -> None:
    assert "SIMULATED" not in shown(summary())
    text = shown(summary(simulated=True, task="math-sample"))
    assert "SIMULATED" in text
    assert "SAMPLE" in text


def test_files_are_named_relative_to_their_folder() -> None:
    text = shown(summary(), Path("outputs/run"), (Path("outputs/run/archive.jsonl"),))
    assert "outputs/run " in text
    assert "  archive.jsonl" in text


def test_an_absolute_budget_over_its_limit_and_no_baselines() -> None:
    use = BudgetUse("dollars", "USD", 0.002, 0.0019, 0.0025, "USD", 1.0)
    text = shown(summary(budget=use, baselines=(), calls=Calls(), agent=None))
    assert "over the limit" in text
    assert "1 unit =" not in text
    assert "no baseline was scored" in text
    assert "0 sent" in text


def test_scores_of_0_and_1_stay_on_the_axis() -> None:
    for score, interval in ((0.0, Interval(0.0, 0.0)), (1.0, Interval(1.0, 1.0))):
        result = summary(test=TestScore(score, interval, 5), baselines=())
        assert "●" in shown(result)


def test_tokens_from_a_prefix_cache_are_told_where_an_engine_tells_them() -> None:
    told = shown(summary(calls=Calls(10, 0, 0, prompt_tokens=2000, prefix_tokens=500)))
    assert "25.0% of 2.0k prompt tokens" in " ".join(told.replace("│", " ").split())
    assert "prefix cache" not in shown(summary(calls=Calls(10, 0, 0, prompt_tokens=2000)))
