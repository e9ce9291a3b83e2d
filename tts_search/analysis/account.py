"""What a run has spent and where its files are: the foot of the final screen."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tts_search.core.result import Summary
from tts_search.tracking.words import count, dollars, duration, percent


def render_account(summary: Summary, folder: Path | None, files: Sequence[Path]) -> RenderableType:
    """search, agent, calls, files: one row each, as far as there is something to say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("search", _search(summary))
    if summary.search_spend.agent_calls:
        table.add_row("agent", _agent(summary))
    table.add_row("calls", _calls(summary))
    if folder is not None:
        table.add_row("files", Text(str(folder), "bold"))
        names = [str(p.relative_to(folder)) if p.is_relative_to(folder) else str(p) for p in files]
        table.add_row("", Text("  ".join(names)))
    elif files:
        table.add_row("files", Text("  ".join(map(str, files))))
    return table


def _search(summary: Summary) -> Text:
    spend = summary.search_spend
    words = [f"{count(spend.trials)} trials", f"{count(spend.calls)} calls"]
    words.append(f"{count(spend.tokens)} tokens")
    if spend.dollars:
        words.append(dollars(spend.dollars))
    if summary.seconds:
        words.append(duration(summary.seconds))
    text = Text(" · ".join(words))
    text.append(f" · {percent(summary.search_score)} on its batch", "dim")
    if summary.validation_score is not None:
        text.append(f", {percent(summary.validation_score)} on validation questions", "dim")
    return text.append(f" · stopped by {summary.stopped_by}" if summary.stopped_by else "", "dim")


def _agent(summary: Summary) -> Text:
    spend = summary.search_spend
    words = [f"{count(spend.agent_calls)} calls", f"{count(spend.agent_tokens)} tokens"]
    if spend.agent_dollars:
        words.append(dollars(spend.agent_dollars))
    return Text(f"{' · '.join(words)}   its own, on top of the search's")


def _calls(summary: Summary) -> Text:
    calls = summary.calls
    text = Text(f"{count(calls.sent)} sent · {count(calls.reused)} reused · ")
    text.append(f"{count(calls.failed)} failed", "bold red" if calls.failed else "default")
    if calls.prefix_tokens:
        share = percent(calls.prefix_tokens / calls.prompt_tokens)
        text.append(f" · {share} of {count(calls.prompt_tokens)} prompt tokens from a prefix cache")
    return text
