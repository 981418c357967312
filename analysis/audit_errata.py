"""What an editor does with an audit: the corrections, a row a slip, and what only the author can decide, an item a finding."""

from __future__ import annotations

import re

import pandas as pd

from analysis.audit_phrases import CLAIM, CODE, JUDGEMENT, LABEL, NAME, PLACE, SIGN, plain
from analysis.audit_verdicts import DIFFERS, OPEN, READING, Report, compared
from analysis.words import Verdict, Words, verdict

SUM = re.compile(r"\{(.+?)\}")


def one_finding(found: pd.DataFrame, report: Report) -> list[str]:
    """For each row the first row of its finding: sums that do not close and share a term are one, readings of one wording are one."""
    ones, groups = [], []
    for row in found.itertuples():
        shared = {(row.section, row.printed)} if row.verdict == READING else set() if row.verdict != OPEN else {
            word for _, what, *_ in report.numbers[row.id].terms for word in report.source(what).split()
            if report.words.get(word, " ")[0] not in ("batch", " ") or word in report.items}
        one, known = next((group for group in groups if group[1] & shared), (row.id, set()))
        groups = [(one, known | shared), *(group for group in groups if group[0] != one)]
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
    """For each row that differs the ids of the statements that change with it: sums of it, claims that fail on what it counts,
    the same slip again, shares computed from it; and of a wrong word the rows that have it too."""
    def sides(row: object) -> set[str]:
        return {*SIGN.split(row.counts), *(side for match in compared(row.counts) if match for side in match.group(1, 3))}

    def changes(other: object, row: object) -> bool:
        if row.unit in (LABEL, NAME):
            return row.printed in other.sentence + other.printed and other.unit not in (LABEL, NAME, CODE)
        again = (other.printed, other.unit, other.counts, other.of) == (row.printed, row.unit, row.counts, row.of)
        computed = any(cause.numbers.get("id") == row.id for cause in other.causes)
        failing = other.unit in (CLAIM, JUDGEMENT) and row.counts in sides(other)
        wrong = bool(row.counts) and other.verdict in (DIFFERS, READING)
        return f"[{row.id}]" in sides(other) or (wrong and (again or computed or failing))

    rows = [*found.itertuples()]
    return [[other.id for other in rows if row.verdict == DIFFERS and other.id != row.id and changes(other, row)] for row in rows]


def place(row: object) -> str:
    """The section, and the page where it is known."""
    return f"{row.section}，第{row.page}页" if row.page else str(row.section)


def table(found: pd.DataFrame, say: Words) -> pd.DataFrame:
    """The errata, a row a slip, figures and claims before words and words before headings: 位置, 原文, 印作, 应为, 依据, 随之变动."""
    by_id, rows = {row.id: row for row in found.itertuples()}, found[found["verdict"] == DIFFERS]
    rows = rows.sort_values("unit", kind="stable", key=lambda units: units.isin([NAME, LABEL, CODE, PLACE]) + 1 * (units == PLACE))

    def grounds(row: object) -> str:
        told, working = say.plain(row.told), f"{row.statement}：{row.working}" if row.unit == CLAIM else row.working
        return told if working.partition(" = ")[0] in told else f"{working}。{told}"

    def moved(row: object) -> str:
        if row.unit == CLAIM or not row.touches:
            return say.plain("errata.claim" if row.unit == CLAIM else "errata.unchanged")
        others = [by_id[id] for id in row.touches]
        if row.unit in (LABEL, NAME):
            sections = dict.fromkeys(other.section.partition(" ")[0] for other in others if other.section != row.section)
            return say.plain("errata.again", places="；".join(sections)) if sections else say.plain("errata.here")
        return say.plain("errata.changes", statements=[other.statement for other in others])

    sentences = rows["sentence"].where(rows["sentence"] != "", rows["printed"])
    return pd.DataFrame({
        "位置": map(place, rows.itertuples()), "原文": sentences,
        "印作": rows["printed"].mask(rows["printed"] == sentences, say.plain("errata.same")),
        "应为": rows["corrected"].where(rows["corrected"] != "", say.plain("errata.rewrite")),
        "依据": map(grounds, rows.itertuples()), "随之变动": map(moved, rows.itertuples())}).reset_index(drop=True)


def asked(found: pd.DataFrame) -> Verdict:
    """How many rows, and of which kinds, the author must decide."""
    unclosed, readings = (int((found["verdict"] == kind).sum()) for kind in (OPEN, READING))
    names = {(True, True): "author.intro", (True, False): "author.intro-open", (False, True): "author.intro-readings"}
    return verdict(names.get((unclosed > 0, readings > 0), "author.none"), open=unclosed, reading=readings)


def questions(found: pd.DataFrame) -> list[Verdict]:
    """What the author must decide: an item for each finding, sums that do not close before readings."""
    said = []
    for kind, name in ((OPEN, "author.closure"), (READING, "author.reading")):
        for _, rows in found[found["verdict"] == kind].groupby("one", sort=False):
            remedies = {told.numbers["term"]: f"{told.numbers['term']}{told.numbers['number']}改为{told.numbers['closing']}"
                        for verdicts in rows["told"] for told in verdicts if told.name == "cause.loose-term"}
            ends = "；印作" + rows["printed"] if kind == OPEN else ""
            said += [verdict(name, places=[*dict.fromkeys(map(place, rows.itertuples()))], ids=[*rows["id"]],
                             printed=[*dict.fromkeys(rows["printed"])],
                             workings="；".join(rows["statement"] + "（" + rows["working"] + ends + "）")),
                     *([verdict("author.remedy", remedies="，".join(remedies.values()))] if remedies else [])]
    return said
