"""What a benchmark prints: a table for people, JSON for programs."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from vts.cli.bench.figures import BenchRun, Figures, median_of, ratios_of
from vts.cli.bench.ledger import Balance
from vts.cli.bench.options import Options

LABELS: Final = {
    "events_per_s": ("events/s", "{:,.0f}"),
    "drained_per_s": ("drained/s during the load", "{:,.0f}"),
    "p50_ms": ("p50, ms", "{:.1f}"),
    "p99_ms": ("p99, ms", "{:.1f}"),
    "refused": ("refused", "{:,.0f}"),
    "cpu_us_per_event": ("CPU, µs an event (VTS process alone)", "{:.1f}"),
    "resident_mb": ("resident memory, MB (VTS process alone)", "{:.0f}"),
    "drain_lag_s": ("drain lag at the end of the load, s", "{:.2f}"),
    "drained_after_s": ("drained, s after the end of the load", "{:.2f}"),
}
"""The names of figures as people read them. A name that is not here is shown as it is."""


class BenchReport(msgspec.Struct, frozen=True, kw_only=True):
    """One benchmark: its runs, their medians, the ratios within runs, and the balance of the ledger."""

    load: str
    options: Mapping[str, Any]
    runs: list[BenchRun]
    balance: Balance | None = None
    notes: list[str] = []

    @property
    def is_good(self) -> bool:
        """Whether it counts: no event was lost, none counted twice."""
        return self.balance is None or self.balance.balanced

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        balance = (
            None if self.balance is None else msgspec.to_builtins(self.balance) | {"balanced": self.balance.balanced}
        )
        return {
            "load": self.load,
            "machine": machine(),
            "options": dict(self.options),
            "runs": msgspec.to_builtins(self.runs),
            "median": self.median(),
            "ratios": ratios_of(self.runs),
            "books": balance,
            "notes": self.notes,
        }

    def median(self) -> dict[str, Figures]:
        """Return the medians of our figures and of the references."""
        return {
            "figures": median_of([run.figures for run in self.runs]),
            "references": median_of([run.references for run in self.runs]),
        }

    def table(self) -> Table:
        """Return the medians, and the lowest and highest of each figure."""
        table = Table(title=f"vts bench {self.load}: {len(self.runs)} runs", title_justify="left")
        table.add_column("figure")
        for name in ("median", "lowest", "highest"):
            table.add_column(name, justify="right")
        median = self.median()
        for name, value in median["figures"].items():
            label, form = LABELS.get(name, (name.replace("_", " "), "{:,.2f}"))
            spread = [run.figures[name] for run in self.runs if run.figures.get(name) is not None]
            _add(table, label, form, value, spread)
        for name, value in median["references"].items():
            spread = [run.references[name] for run in self.runs if name in run.references]
            _add(table, f"reference {name}, 1/s", "{:,.0f}", value, spread)
        for name, rates in ratios_of(self.runs).items():
            for rate, ratio in rates.items():
                if ratio is not None:
                    table.add_row(f"{LABELS[rate][0]} ÷ {name}, within a run", f"{ratio:.2f} ×", "", "")
        return table


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "vts": _version(),
    }


def _version() -> str:
    try:
        return version("vts")
    except PackageNotFoundError:
        return "a checkout"


def show(report: BenchReport, console: Console) -> None:
    """Print a report for people."""
    console.print(report.table())
    if report.balance is not None:
        console.print(sentence_of(report.balance), highlight=False)
    for note in report.notes:
        console.print(f"* {note}", highlight=False)


def sentence_of(balance: Balance) -> str:
    """Return the comparison of acknowledged and stored events as one sentence."""
    stored = "" if balance.stored is None else f"stored {balance.stored:,}, "
    verdict = "the ledger balances" if balance.balanced else f"MISSING {balance.missing:,}, TWICE {balance.twice:,}"
    return (
        f"ledger ({balance.compared}): acknowledged {balance.acknowledged:,}, accepted {balance.accepted:,}, "
        f"{stored}counted {balance.counted:,}: {verdict}"
    )


def _add(table: Table, label: str, form: str, value: float | None, spread: list[Any]) -> None:
    if value is None:
        table.add_row(label, "unknown", "", "")
        return
    table.add_row(label, form.format(value), form.format(min(spread)), form.format(max(spread)))


def options_of(options: Options) -> dict[str, object]:
    """Return the options as a report shows them: without the token."""
    shown: dict[str, object] = msgspec.to_builtins(options)
    return {name: value for name, value in shown.items() if name != "token"}
