"""`vts bench http` and `vts bench http-batch`: events over HTTP, each durable before its 202."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from vts.cli.bench import children, harness, references, wrk
from vts.cli.bench.figures import BenchRun
from vts.cli.bench.harness import Testbed
from vts.cli.bench.options import Options
from vts.cli.bench.report import BenchReport, options_of
from vts.cli.bench.sender import Sent, Task

START_S = 15.0
RESPONDERS = ("httptools", "hypercorn")


def singles(options: Options) -> BenchReport:
    """Measure single events, one a request, beside two responders that do nothing."""
    with harness.testbed(options) as testbed, responders(options) as ports:
        runs = []
        for number in range(1, options.runs + 1):
            beside = {kind: _responses_per_s(testbed, port) for kind, port in ports.items()}
            figures = harness.measured(testbed.target, lambda: _send(testbed, testbed.task()))
            runs.append(BenchRun(figures=figures, references=beside))
            harness.say(number, options, figures)
        return _report("http", testbed, runs)


def batches(options: Options) -> BenchReport:
    """Measure batches of events beside a plain COPY into the same database."""
    with harness.testbed(options) as testbed:
        runs = []
        for number in range(1, options.runs + 1):
            copied = harness.copied_per_s(testbed.target, options.reference_seconds) if options.references else {}
            figures = harness.measured(testbed.target, lambda: testbed.send(testbed.task()))
            runs.append(BenchRun(figures=figures, references=copied))
            harness.say(number, options, figures)
        return _report("http-batch", testbed, runs)


@contextmanager
def responders(options: Options) -> Iterator[dict[str, int]]:
    """Run the bare responders beside the block and give their ports."""
    with ExitStack() as stack:
        ports = {}
        for kind in RESPONDERS if options.references else ():
            task = references.Responder(kind=kind)  # type: ignore[arg-type]
            ports[kind] = children.line(stack.enter_context(children.started("references", task)), int, START_S)
        yield ports


def _responses_per_s(testbed: Testbed, port: int) -> float:
    seconds = testbed.options.reference_seconds
    task = testbed.task(host="127.0.0.1", port=port, seconds=seconds, token="", ledger="")
    sent = _load(testbed, task)
    return sent.acknowledged / sent.seconds


def _send(testbed: Testbed, task: Task) -> Sent:
    if testbed.options.generator == "own":
        return testbed.send(task)
    sent = wrk.run(task, testbed.folder)
    testbed.ledger.note(sent.used, sent.acknowledged, None)
    return sent


def _load(testbed: Testbed, task: Task) -> Sent:
    if testbed.options.generator == "wrk":
        return wrk.run(task, testbed.folder)
    return children.run("sender", task, Sent, task.seconds + harness.EXTRA_S)


def _report(load: str, testbed: Testbed, runs: list[BenchRun]) -> BenchReport:
    notes = [
        "" if testbed.target.is_ours else "not our database: no COPY, no processor time, no memory, counts by the API"
    ]
    return BenchReport(
        load=load,
        options=options_of(testbed.options),
        runs=runs,
        balance=testbed.balance(),
        notes=[note for note in notes if note],
    )
