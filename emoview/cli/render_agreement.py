"""What a person sees of the agreement of a result with an annotation."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from emoview.cli.console import Terminal
from emoview.common.text import counted, name_of
from emoview.evaluation.agreement import Agreement, RatersAgreement
from emoview.metrics.figures import AgreementFigures, Figure

_FEW: Final = 50
"""Of fewer stretches, intervals are too narrow: see the page on agreement."""


def show_agreement(terminal: Terminal, found: Agreement) -> None:
    """Print the figures on standard output, and what was left out beside it."""
    console = terminal.printer()
    table = Table(title=_headline(found), box=box.SIMPLE_HEAD, title_justify="left")
    for column in ("", "measure", "value", "95 % interval"):
        table.add_column(column, justify="left" if column in ("", "measure") else "right")
    if found.labels is not None:
        _add(table, "labels", "Cohen's kappa", found.labels.kappa, ".3f")
        _add(table, "", "accuracy, %", found.labels.accuracy, ".1f")
        _add(table, "", "unweighted average recall, %", found.labels.uar, ".1f")
    if found.uncertain_ticks is not None:
        table.add_row("", "uncertain, ticks left out", str(found.uncertain_ticks), "")
    for name, figures in found.values.items():
        _add(table, name, "CCC", figures.ccc, ".3f")
        _add(table, "", "PCC", figures.pcc, ".3f")
        _add(table, "", "RMSE", figures.rmse, ".3f")
    if found.raters is not None:
        _add_raters(table, found.raters)
    console.print(table)
    if found.labels is not None:
        console.print(_by_label(found.labels))
        console.print(_confusion(found.labels))
    warnings = [
        f"{word!r} is not a label: ignored {counted(count, 'time')}" for word, count in found.left_out.items()
    ]
    if found.overlapping_ticks:
        warnings.append(
            f"different labels of one rater overlap in {counted(found.overlapping_ticks, 'tick')}: the one "
            "given most often counts, or else the first in the file"
        )
    if found.stretches < _FEW:
        warnings.append(
            f"labels change only {counted(found.stretches - 1, 'time')} in what is compared: the intervals "
            "are too narrow"
        )
    for warning in map(name_of, warnings):
        terminal.console.print(Text.assemble(("warning: ", "bold yellow"), warning), soft_wrap=True)


def _headline(found: Agreement) -> str:
    """Say how much was compared, and how much was not, and why."""
    tied = found.raters.tied_ticks if found.raters else 0
    unanswered = found.annotated_ticks - found.compared_ticks
    reasons = (
        (unanswered, "without an answer of the result"),
        (found.left_out_ticks, "with no known label"),
        (tied, "in which the raters are split"),
    )
    whole = found.annotated_ticks + found.left_out_ticks + tied
    left_out = "".join(f", {count} {why}" for count, why in reasons if count)
    return f"{found.modality}: {found.compared_ticks} of {whole} annotated ticks compared{left_out}"


def _add_raters(table: Table, raters: RatersAgreement) -> None:
    what = f"{len(raters.names)} raters"
    if raters.labels is not None:
        if raters.labels.fleiss is not None:
            _add(table, what, "Fleiss' kappa", raters.labels.fleiss, ".3f")
            what = ""
        _add(table, what, "Krippendorff's alpha", raters.labels.alpha, ".3f")
    for name, kappa in raters.kappas.items():
        _add(table, name_of(name), "Cohen's kappa with the result", kappa, ".3f")


def _by_label(figures: AgreementFigures) -> Table:
    table = Table(title="each label against the rest", box=box.SIMPLE_HEAD, title_justify="left")
    for column in ("", "annotated", "predicted", "F1, %", "Cohen's kappa", "95 % interval"):
        table.add_column(column, justify="right" if column else "left")
    for name, one in figures.classes.items():
        kappa = one.kappa
        table.add_row(
            name, str(one.annotated), str(one.said), f"{one.f1.value:.1f}", f"{kappa.value:.3f}",
            f"{kappa.low:.3f} to {kappa.high:.3f}",
        )  # fmt: skip
    return table


def _add(table: Table, what: str, measure: str, figure: Figure, form: str) -> None:
    interval = f"{figure.low:{form}} to {figure.high:{form}}"
    table.add_row(what, measure, f"{figure.value:{form}}", interval)


def _confusion(figures: AgreementFigures) -> Table:
    used = [
        i
        for i in range(len(figures.labels))
        if any(figures.confusion[i]) or any(row[i] for row in figures.confusion)
    ]
    table = Table(title="ticks", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left")
    table.add_column("annotated \\ predicted", no_wrap=True)
    for i in used:
        table.add_column(figures.labels[i], justify="right", no_wrap=True)
    for i in used:
        table.add_row(figures.labels[i], *(str(figures.confusion[i][j]) for j in used))
    return table
