"""What each model saw and said on one question, node by node in the order of running."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import RenderableType
from rich.text import Text

from tts_search.analysis.colours import role_styles
from tts_search.analysis.wrapped import Column, line, quoted
from tts_search.core.graph import Graph
from tts_search.environment.trace import Step, Trace, worked_examples
from tts_search.llm.base import Completion, Request
from tts_search.tracking.folding import fold
from tts_search.tracking.words import duration

VERDICTS = {"right": "green", "wrong": "red"}


def draw_trace(
    trace: Trace, archived: float | None, again: str, full: bool = False
) -> Iterator[RenderableType]:
    """The lines of the view. `archived`: the score in the archive, if it holds one; `again`: the
    command that asks for missing calls; `full`: write worked examples out."""
    styles = role_styles(fold(trace.graph))
    yield Column(Text("question  ", "bold"), Text(line(trace.example.id)))
    yield quoted(trace.example.question)
    yield from _answer("gold answer  ", trace.example.answer)
    for step in trace.steps:
        yield Text()
        yield _title(step, trace.graph, styles[step.node.role])
        yield from _step(step, full)
    yield Text()
    yield from _outcome(trace, archived)
    if trace.missing:
        advice = (
            "not in the cache: such a call failed in the run, or was kept elsewhere; "
            f"to have it sent: {again}"
        )
        yield Column(Text(), Text(advice, "yellow"))


def _answer(name: str, answer: str | None) -> Iterator[RenderableType]:
    """On the line of its name; an answer of several lines, such as code, below it."""
    if answer and "\n" in answer:
        yield Text(name.rstrip(), "bold")
        yield quoted(answer)
    else:
        yield Column(Text(name, "bold"), _stated(answer))


def _title(step: Step, graph: Graph, style: str) -> Text:
    title = Text(f"node {step.number}", "bold").append(" · ").append(step.node.role, style)
    if step.node.model:
        title.append(f" · {step.node.model}")
    if step.reads:
        title.append(f" · reads {', '.join(map(str, step.reads))}", "dim")
    return title.append(" · sink", "dim") if step.number == graph.sink else title


def _step(step: Step, full: bool) -> Iterator[RenderableType]:
    if step.result.request:
        yield from _asked(step.result.request, full)
    elif step.state == "answered":
        yield _votes(step)
    if step.state == "missing":
        yield Text("  not in the cache", "yellow")
    elif step.state == "waiting":
        yield Text("  not asked: an answer that it depends on is not in the cache", "yellow")
    else:
        yield Text("  reply" if step.result.request else "  passes on", "bold")
        yield quoted(step.result.text)
        yield from _answer("  answer  ", step.stated)
        if step.result.completion:
            yield _used(step.result.completion)


def _asked(request: Request, full: bool) -> Iterator[RenderableType]:
    shots = worked_examples(request)
    if request.messages[0].role == "system":
        yield Text("  system", "bold")
        yield quoted(request.messages[0].content)
    if shots and not full:
        number = "1 worked example" if len(shots) == 1 else f"{len(shots)} worked examples"
        yield Text(f"  {number}", "bold").append("  --full writes them out", "dim")
    for i, (asked, replied) in enumerate(shots if full else (), start=1):
        yield Text(f"  worked example {i}: user", "bold")
        yield quoted(asked)
        yield Text(f"  worked example {i}: assistant", "bold")
        yield quoted(replied)
    yield Text("  user", "bold")
    yield quoted(request.messages[-1].content)
    settings = f"{line(request.model)}, temperature {request.temperature:g}, "
    settings += f"top_p {request.top_p:g}, max_tokens {request.max_tokens}, seed {request.seed}"
    yield Column(Text("  asked   ", "bold"), Text(settings))


def _votes(step: Step) -> Column:
    """14: 0, 2 · 15: 1 (an answer, then the nodes that state it), in the order first given."""
    heard = list(zip(step.heard, step.reads, strict=True))
    given = list(dict.fromkeys(answer for answer, _ in heard))
    alike = groupby(sorted(heard, key=lambda vote: given.index(vote[0])), key=lambda vote: vote[0])
    text = Text(" · ").join(
        _stated(answer).append(f": {', '.join(str(node) for _, node in votes)}", "dim")
        for answer, votes in alike
    )
    return Column(Text("  votes   ", "bold"), text)


def _stated(answer: str | None) -> Text:
    return Text("states none", "dim") if answer is None else Text(line(answer))


def _used(reply: Completion) -> Column:
    words = f"{reply.prompt_tokens} prompt + {reply.output_tokens} output tokens, "
    words += f"{duration(reply.seconds)}, finished by {line(reply.finish_reason)}"
    return Column(Text("  used    ", "bold"), Text(words, "dim"))


def _outcome(trace: Trace, archived: float | None) -> Iterator[RenderableType]:
    style = VERDICTS.get(trace.verdict, "yellow")
    if trace.score is not None:
        yield from _answer("answer  ", trace.sink.stated)
    score = Text("score   ", "bold")
    if trace.score is not None:
        score.append(f"{trace.score:g}  ", style)
    yield score.append(trace.verdict, f"bold {style}")
    if archived is not None and (trace.score is None or abs(trace.score - archived) > 1e-6):
        said = f"the archive has {archived:g} for this question"
        yield Text(said if trace.score is None else f"{said}: data or code have changed", "yellow")
