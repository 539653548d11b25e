"""The benchmark's arithmetic, its clients' receipts, and what its command line refuses."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from click.testing import CliRunner

from vts.cli.bench import audience, figures, live, stats
from vts.cli.bench.figures import BenchRun
from vts.cli.bench.ledger import Ledger, StoredEvents
from vts.cli.bench.options import Options
from vts.cli.main import main


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.01, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.999, 100), (1.0, 100)]
)
def test_percentiles_are_values_that_were_measured(share: float, value: int) -> None:
    assert figures.percentile(range(1, 101), share) == value


def test_nothing_measured_has_no_percentile() -> None:
    assert figures.percentile([], 0.99) is None


def test_ratios_are_those_within_a_run() -> None:
    runs = [
        BenchRun(figures={"events_per_s": 50.0}, references={"copy": 100.0}),
        BenchRun(figures={"events_per_s": 10.0}, references={"copy": 10.0}),
        BenchRun(figures={"events_per_s": 30.0}, references={"copy": 100.0}),
    ]
    assert figures.median_of([run.figures for run in runs])["events_per_s"] == 30.0
    assert figures.ratios_of(runs)["copy"]["events_per_s"] == 0.5


def test_the_books_name_what_is_missing_and_what_is_there_twice(tmp_path: Path) -> None:
    ledger, path = Ledger(), tmp_path / "ledger"
    path.write_bytes(array("Q", [1, 2, 4]).tobytes())
    ledger.note(4, 3, path)
    good = ledger.compare(StoredEvents(times=bytearray([0, 1, 1, 0, 1]), rows=3, counted=3), 3)
    assert good.balanced
    lost = ledger.compare(StoredEvents(times=bytearray([0, 1, 0, 1, 1]), rows=3, counted=3), 3)
    assert (lost.missing, lost.twice) == (1, 0)
    twice = ledger.compare(StoredEvents(times=bytearray([0, 1, 2, 0, 1]), rows=4, counted=4), 3)
    assert (twice.missing, twice.twice) == (0, 1)
    uncounted = ledger.compare(StoredEvents(times=bytearray([0, 1, 1, 0, 1]), rows=3, counted=2), 3)
    assert uncounted.missing == 1


def test_numbers_that_were_left_out_belong_to_no_client(tmp_path: Path) -> None:
    ledger, path = Ledger(), tmp_path / "ledger"
    ledger.skip(9)
    path.write_bytes(array("Q", [10]).tobytes())
    ledger.note(1, 1, path)
    assert ledger.next == 11
    assert ledger.compare(StoredEvents(times=bytearray(10) + b"\1", rows=1, counted=1), 1).balanced


def test_a_view_s_wait_ends_with_the_first_message_that_counts_it(tmp_path: Path) -> None:
    """Two topics, three clients; views 1 and 2 of topic 0 are shown together, client 2 receives them twice."""
    ledger, times, notes = tmp_path / "ledger", tmp_path / "times", tmp_path / "notes"
    ledger.write_bytes(array("Q", [2, 4, 3]).tobytes())
    times.write_bytes(array("d", [1.0, 1.1, 1.2]).tobytes())
    heard = [(0, 7, 0.5), (1, 0, 0.5), (2, 7, 0.6), (0, 9, 1.5), (2, 8, 1.3), (1, 1, 1.4), (2, 9, 1.6)]
    clients, views, at = zip(*heard, strict=True)
    notes.write_bytes(array("Q", clients).tobytes() + array("Q", views).tobytes() + array("d", at).tobytes())
    options = Options(runs=1, seconds=1, connections=1, reference_seconds=1, clients=3, topics=2)
    waits = live._waits(options, 2, ledger, times, notes)
    assert [round(wait) for wait in waits] == [200, 300, 400, 500, 500]


def test_the_audience_reads_frames_however_they_are_cut() -> None:
    client = audience.Client.__new__(audience.Client)
    client.buffer, client.upgraded = bytearray(), False
    long = b'{"views":' + b" " * 200 + b"5}"
    stream = b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + bytes([0x81, 11]) + b'{"views":1}'
    stream += bytes([0x81, 126]) + len(long).to_bytes(2, "big") + long
    texts = [text for at in range(len(stream)) for text in client.texts(stream[at : at + 1])]
    assert texts == [b'{"views":1}', long]
    with pytest.raises(ConnectionError):
        client.texts(bytes([0x88, 2, 3, 232]))


def test_every_request_of_the_benchmark_is_answered_by_the_api() -> None:
    assert all(path.startswith("/api/") for name, ask in stats.QUESTIONS.items() for path in [ask(stats.random)])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["http", "--connections", "0"], "--connections"),
        (["http", "--token", "t"], "--token belongs to --url"),
        (["http", "--url", "ftp://x"], "--url"),
        (["mqtt-direct", "--players", "1"], "--players"),
        (["stats", "--runs", "0"], "--runs"),
    ],
)
def test_what_makes_no_sense_is_said(words: list[str], complaint: str) -> None:
    done = CliRunner().invoke(main, ["bench", *words])
    assert done.exit_code == 2
    assert complaint in done.output
