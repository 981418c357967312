"""What an editor does with an audit: the corrections, a row a slip, and what only the author can decide, an item a finding."""

from __future__ import annotations

import re

import pandas as pd

from analysis.audit_phrases import CLAIM, CODE, JUDGEMENT, LABEL, NAME, PLACE, SHARE, SIGN
from analysis.audit_verdicts import COMPARISON, DIFFERS, OPEN, READING, Report
from analysis.words import Verdict, Words, verdict

REPEATED = re.compile("；(印作|此处作).*")
SUM = re.compile(r"\{(.+?)\}")


def one_finding(found: pd.DataFrame, report: Report) -> list[str]:
    """For each row the first row of its finding: sums that do not close and share a term are one, readings of one wording are one."""
    ones, rows = dict(zip(found["id"], found["id"])), {f"[{row.id}]": row for row in report.printed}
    groups: list[tuple[str, set[object]]] = []
    for row in found[found["verdict"].isin([OPEN, READING])].itertuples():
        shared = {(row.section, row.printed)} if row.verdict == READING else {
            word for _, what, *_ in report.numbers[row.id].terms for word in (rows[what].counts if what in rows else what).split()
            if report.words.get(word, " ")[0] not in ("batch", " ") or word in report.items}
        first, known = next((group for group in groups if group[1] & shared), (row.id, set()))
        groups = [(first, known | shared), *(group for group in groups if group[0] != first)]
        ones[row.id] = first
    return list(ones.values())


def corrected(found: pd.DataFrame, report: Report) -> list[str]:
    """For each row that differs the words that should stand there: those that the file gives, its sums filled in, or the sentence."""
    return ["" if row.verdict != DIFFERS else
            SUM.sub(lambda match: f"{float(report.sum(match[1]).right):.10g}", row.instead) if row.instead else
            row.sentence.replace(row.printed, row.recomputed, 1) if row.unit != CLAIM and row.printed in row.sentence else
            row.recomputed if row.unit != CLAIM else "" for row in found.itertuples()]


def touches(found: pd.DataFrame) -> list[list[str]]:
    """For each row that differs the ids of the statements that would change with it: sums of it, and claims that fail on what it counts."""
    def sides(counts: str) -> set[str]:
        return {side for part in re.split("[;；]", counts) for match in [COMPARISON.fullmatch(part.strip())] if match
                for side in match.group(1, 3)} | {*SIGN.split(counts)}

    uses = {row.id: (row.verdict, sides(row.counts), row.unit in (CLAIM, JUDGEMENT)) for row in found.itertuples()}
    return [[id for id, (verdict, terms, claim) in uses.items() if row.verdict == DIFFERS and id != row.id and (
        f"[{row.id}]" in terms or (claim and verdict in (DIFFERS, READING) and row.unit == SHARE and row.counts in terms))]
        for row in found.itertuples()]


def place(row: object) -> str:
    """The section, and the page where it is known."""
    return f"{row.section}，第{row.page}页" if row.page else str(row.section)


def _grounds(row: object, say: Words) -> str:
    """How it should be reckoned, and the likely cause; what the table says elsewhere is left out."""
    told, working = say.plain(row.told), REPEATED.sub("", row.working)
    return told if working.partition(" = ")[0] in told else f"{working}。{told}"


def table(found: pd.DataFrame, say: Words) -> pd.DataFrame:
    """The errata, a row a slip, figures and claims before words and words before headings: 位置, 原文, 印作, 应为, 依据, 随之变动."""
    statements, rows = dict(zip(found["id"], found["statement"])), found[found["verdict"] == DIFFERS]
    rows = rows.sort_values("unit", kind="stable", key=lambda units: units.isin([NAME, LABEL, CODE, PLACE]) + 1 * (units == PLACE))
    changes = [say.plain("errata.claim") if row.unit == CLAIM else
               say.plain("errata.changes", statements=[statements[id] for id in row.touches]) if row.touches else
               say.plain("errata.unchanged") for row in rows.itertuples()]
    return pd.DataFrame({
        "位置": [place(row) for row in rows.itertuples()], "原文": rows["sentence"].where(rows["sentence"] != "", rows["statement"]),
        "印作": rows["printed"], "应为": rows["corrected"].where(rows["corrected"] != "", say.plain("errata.rewrite")),
        "依据": [_grounds(row, say) for row in rows.itertuples()], "随之变动": changes}).reset_index(drop=True)


def questions(found: pd.DataFrame) -> list[Verdict]:
    """What the author must decide: an item for each finding, sums that do not close before readings."""
    said = []
    for kind, name in ((OPEN, "author.closure"), (READING, "author.reading")):
        for _, rows in found[found["verdict"] == kind].groupby("one", sort=False):
            remedies = {verdict.numbers["term"]: f"{verdict.numbers['term']}{verdict.numbers['number']}改为{verdict.numbers['closing']}"
                        for told in rows["told"] for verdict in told if verdict.name == "cause.loose-term"}
            said += [verdict(name, places=list(dict.fromkeys(map(place, rows.itertuples()))), ids=list(rows["id"]),
                             printed=list(dict.fromkeys(rows["printed"])), statements="；".join(rows["statement"]),
                             workings="；".join(rows["working"])),
                     *([verdict("author.remedy", remedies="，".join(remedies.values()))] if remedies else [])]
    return said
