"""A published report against its score sheet: a finding on each row of `data/published/<period>.csv`, and what an editor does with them.

data/README.md says what a row is and what it may count. The errata have a row for each slip; what only the author can decide has an
item for each finding.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pandas as pd

from analysis import registry, sheets
from analysis.audit_phrases import CLAIM, CODE, LABEL, NAME, PLACE, SHARE, UNITS, Printed, UnknownWord, plain
from analysis.audit_verdicts import DIFFERS, OPEN, READING, UNVERIFIED, VERDICTS, Finding, Report, finding, formed
from analysis.messages import Said
from analysis.problems import DataError, Problem, quoted
from analysis.words import Verdict, Words, verdict

SAVED = ["id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause"]
SUM = re.compile(r"\{(.+?)\}")
BETWEEN_TERMS = re.compile(r"\s+(?:[+\-−]|[<>]=?|=)\s+|[;；]\s*")
WORDS = (LABEL, NAME, CODE)
IN_CHINESE = dict(zip(VERDICTS, ("相符", "不符", "合不上", "待判断", "无法核实")))


def published(period: str, data: Path | str = "") -> None:
    """Whether the period's published file can be audited. Raises DataError with everything in it that cannot be understood."""
    _found(sheets.read(period, data), [])


def findings(sheet: sheets.Period, others: list[sheets.Period] = ()) -> pd.DataFrame:
    """A row for each figure and claim of the period's published report, in printed order. Raises DataError.

    The columns of SAVED, of `Printed` and of `Finding`; 结论, the verdict in Chinese; told, verdicts for the sentences of the causes;
    one, the first row of the finding that a row belongs to; corrected, the words that should stand there; touches, the statements
    that change with it; lacks, what would verify it.
    """
    report, found = _found(sheet, list(others))
    frame = pd.DataFrame(report.printed).join(pd.DataFrame(found))
    frame["cause"] = ["; ".join(f"{c.name.removeprefix('cause.')}: {c.numbers['detail']}" for c in causes) for causes in frame["causes"]]
    frame["told"] = [[cause for cause in causes if cause.name.startswith("cause.")] for causes in frame["causes"]]
    frame["lacks"] = frame["cause"].str.removeprefix("needs: ").where(frame["verdict"] == UNVERIFIED, "")
    frame["结论"] = frame["verdict"].map(IN_CHINESE)
    frame["one"], frame["corrected"] = one_finding(frame, report), corrected(frame, report)
    frame["touches"] = touches(frame)
    orders = {"verdict": VERDICTS, "结论": IN_CHINESE.values(), "section": frame["section"].unique()}
    return frame.assign(**{column: pd.Categorical(frame[column], list(order), ordered=True) for column, order in orders.items()})


def _found(sheet: sheets.Period, others: list[sheets.Period]) -> tuple[Report, list[Finding]]:
    """The report and a finding on each of its rows, or DataError with each row that cannot be understood."""
    name, problems = f"published/{sheet.name}.csv", []
    rows = _rows(sheet.data / name, problems)
    if not rows and not problems:
        problems.append(Problem.of(Said("published.empty"), name))

    def each(step: Callable[[Printed], object], rows: Iterable[Printed]) -> dict[Printed, object]:
        done = {}
        for row in rows:
            try:
                done[row] = step(row)
            except UnknownWord as error:
                said = Said("published.unknown", found=quoted(getattr(row, error.column)), why=error.said)
                problems.append(Problem.of(said, name, Said("word.line", number=row.line), error.column, order=(row.line,)))
        return done

    report = Report([*each(formed, rows)], sheet, others)
    for path in (sheet.data / "published").glob("*.csv"):  # what other reports print, whether that is right or not
        for row in _rows(path, []) if path.stem != sheet.name else ():
            with contextlib.suppress(UnknownWord):
                formed(row)
                report.items |= {f"[{path.stem} {row.id}]": (row.value, False)} if row.unit in UNITS else {}
    found = each(partial(finding, report=report), each(report.compute, report.printed))  # every number before any finding
    if problems:
        raise DataError(problems)
    return report, [*found.values()]


def _rows(path: Path, problems: list[Problem]) -> list[Printed]:
    """The rows of a published file; what is wrong with the file goes to `problems`."""
    lines = registry.read_csv(path, Printed._fields[:5], ("id",), problems)
    return [Printed(*(line.get(column, "") for column in Printed._fields[:-1]), int(line["line"])) for line in lines]


def one_finding(found: pd.DataFrame, report: Report) -> list[str]:
    """For each row the first row of its finding: sums that do not close and share a term are one, readings of one wording are one."""
    ones, first = [], {}  # the first row by each term, or by the wording
    for row in found.itertuples():
        shared = [(row.section, row.printed)] if row.verdict == READING else [] if row.verdict != OPEN else [
            word for _, what, *_ in report.numbers[row.id].terms for word in report.source(what).split()
            if report.words.get(word, " ")[0] not in ("batch", " ") or word in report.items]
        one = next((first[term] for term in shared if term in first), row.id)
        first |= dict.fromkeys(shared, one)
        ones.append(one)
    return ones


def corrected(found: pd.DataFrame, report: Report) -> list[str]:
    """For each row that differs the words that should stand there: those that the file gives, its sums filled in, or the sentence."""
    def right(row: object) -> str:
        if row.instead:
            return SUM.sub(lambda match: plain(report.sum(match[1]).right), row.instead)
        return row.sentence.replace(row.printed, row.recomputed, 1) if row.printed in row.sentence else row.recomputed

    return [right(row) if row.verdict == DIFFERS and (row.instead or row.unit != CLAIM) else "" for row in found.itertuples()]


def touches(found: pd.DataFrame) -> list[list[str]]:
    """For each row that differs the ids of the statements that change with it: sums of it, what is wrong of the same count, the same
    share again; and of a wrong word the rows that have it too."""
    def changes(other: object, row: object) -> bool:
        if row.unit in (LABEL, NAME):
            return row.printed in other.sentence + other.printed and other.unit not in WORDS
        terms = BETWEEN_TERMS.split(other.counts)
        again = row.counts != "" and row.counts in terms and other.verdict in (DIFFERS, READING)
        return f"[{row.id}]" in terms or (again and (row.unit != SHARE or (other.printed, other.of) == (row.printed, row.of)))

    rows = [*found.itertuples()]
    return [[other.id for other in rows if row.verdict == DIFFERS and other.id != row.id and changes(other, row)] for row in rows]


def places(rows: pd.DataFrame) -> pd.Series:
    """The sections, with the page where it is known."""
    return rows["section"].astype(str) + ("，第" + rows["page"] + "页").where(rows["page"] != "", "")


def table(found: pd.DataFrame, say: Words) -> pd.DataFrame:
    """The errata, a row a slip, figures and claims before words and words before headings: 位置, 原文, 印作, 应为, 依据, 随之变动."""
    statements, sections = (found.set_index("id")[column] for column in ("statement", "section"))
    rows = found[found["verdict"] == DIFFERS]
    rows = rows.sort_values("unit", kind="stable", key=lambda units: units.isin(WORDS) + 2 * (units == PLACE))

    def grounds(row: object) -> str:
        told, working = say.plain(row.told), f"{row.statement}：{row.working}" if row.unit == CLAIM else row.working
        return told if working.partition(" = ")[0] in told else f"{working}。{told}"

    def moved(row: object) -> str:
        if row.unit == CLAIM or not row.touches:
            return say.plain("errata.claim" if row.unit == CLAIM else "errata.unchanged")
        if row.unit in WORDS:
            others = [section.partition(" ")[0] for section in sections[row.touches].unique() if section != row.section]
            return say.plain("errata.again", places="；".join(others)) if others else say.plain("errata.here")
        return say.plain("errata.changes", statements=[*statements[row.touches]])

    sentences = rows["sentence"].where(rows["sentence"] != "", rows["printed"])
    return pd.DataFrame({
        "位置": places(rows), "原文": sentences, "印作": rows["printed"].mask(rows["printed"] == sentences, say.plain("errata.same")),
        "应为": rows["corrected"].where(rows["corrected"] != "", say.plain("errata.rewrite")),
        "依据": [*map(grounds, rows.itertuples())], "随之变动": [*map(moved, rows.itertuples())]}).reset_index(drop=True)


def asked(found: pd.DataFrame) -> Verdict:
    """How many rows, and of which kinds, the author must decide."""
    unclosed, readings = (int((found["verdict"] == kind).sum()) for kind in (OPEN, READING))
    name = {(False, False): "author.none", (False, True): "author.intro-readings", (True, False): "author.intro-open"}.get(
        (bool(unclosed), bool(readings)), "author.intro")
    return verdict(name, open=unclosed, reading=readings)


def questions(found: pd.DataFrame) -> list[Verdict]:
    """What the author must decide: an item for each finding, sums that do not close before readings."""
    said = []
    for kind, name in ((OPEN, "author.closure"), (READING, "author.reading")):
        for _, rows in found[found["verdict"] == kind].groupby("one", sort=False):
            loose = [told.numbers for verdicts in rows["told"] for told in verdicts if told.name == "cause.loose-term"]
            ends = "；印作" + rows["printed"] if kind == OPEN else ""
            said.append(verdict(name, places=[*places(rows).unique()], ids=[*rows["id"]], printed=[*rows["printed"].unique()],
                                workings="；".join(rows["statement"] + "（" + rows["working"] + ends + "）")))
            if remedies := dict.fromkeys(f"{term['term']}{term['number']}改为{term['closing']}" for term in loose):
                said.append(verdict("author.remedy", remedies="，".join(remedies)))
    return said
