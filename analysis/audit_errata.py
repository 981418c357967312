"""What an editor does with an audit: the corrections, a row a slip, and what only the author can decide, an item a finding."""

from __future__ import annotations

import re

import pandas as pd

from analysis.audit_phrases import CLAIM, CODE, LABEL, NAME, PLACE, SHARE, plain
from analysis.audit_verdicts import DIFFERS, OPEN, READING, Report
from analysis.words import Verdict, Words, verdict

SUM = re.compile(r"\{(.+?)\}")
BETWEEN_TERMS = re.compile(r"\s+(?:[+\-−]|[<>]=?|=)\s+|[;；]\s*")
WORDS = (LABEL, NAME, CODE)


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
    name = "author.none" if not unclosed + readings else "author.intro" + "-readings" * (not unclosed) + "-open" * (not readings)
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
