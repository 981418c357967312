"""A published report against its score sheet: a finding on each row of `data/published/<period>.csv`, and what is odd about names.

data/README.md says what a row is and what it may count.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from analysis import registry, sheets
from analysis.audit_phrases import DENOMINATORS, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import (AGREES, BAND, BAND_FORM, CLAIM, DATE, DIFFERS, KINDS, LABEL, LIST, NAME, SHARE, UNVERIFIED, VERDICTS,
                                     Finding, Report, finding)
from analysis.grades import BEST_FIRST
from analysis.problems import DataError, Problem, quoted
from analysis.registry import Registry, normalise
from analysis.words import Verdict, verdict

SAVED = ["id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause"]
GROUPS = ("占比不对", "家数、名单和日期不对", "加减合不上", "说法不成立", "占比的末位不对", "名称和叫法不一")  # worst first
IN_CHINESE = dict(zip(VERDICTS, ("相符", "不符", "无法核实")))
KIND_OF_ALIAS = {"renamed": "更名", "misspelt": "误写", "short": "简称"}
FORMS = {  # what `printed` may look like, and how a message says it
    SHARE: (re.compile(r"\d+(\.\d+)?%"), "a percentage like 45.54%"),
    LIST: (re.compile(r"[^；]+(；[^；]+)*"), "names with ； between them"),
    DATE: (re.compile(r"\d{4}年(\d{1,2}月(\d{1,2}日)?)?"), "a date like 2017年1月31日"),
    BAND: (BAND_FORM, "a band like 70分至84分 or 49分以下"),
} | dict.fromkeys((CLAIM, NAME, LABEL), (re.compile(".+"), "")) | dict.fromkeys(
    UNITS, (re.compile(r"\d+(\.\d+)?多?|[无一二两三四五六七八九十]+"), "a number like 24, 130多, 四 or 无"))


def published(period: str, data: Path | str = "") -> None:
    """Whether the period's published file can be audited. Raises DataError with everything in it that cannot be understood."""
    _found(sheets.read(period, data), [])


def findings(sheet: sheets.Period, others: list[sheets.Period] = ()) -> pd.DataFrame:
    """A row for each figure and claim of the period's published report, in printed order. Raises DataError.

    The columns of SAVED; unit and needs; 内容, 印作, 重算, 相差 and 结论 as a table shows them; working (the calculation), causes
    (verdicts for their sentences), group (what kind of difference, worst first) and off (how far it is from what is right).
    """
    report, found = _found(sheet, list(others))
    frame = pd.DataFrame([
        row._asdict() | one._asdict() | _shown(row, one) | {"cause": "; ".join(map(str, one.causes)), "causes": [cause.told for cause in one.causes if cause.told],
           "group": _group(row, one, report), "off": float(one.off), "needs": one.causes[0].detail if one.verdict == UNVERIFIED else ""}
        for row, one in zip(report.rows_printed, found)])
    orders = {"verdict": VERDICTS, "结论": IN_CHINESE.values(), "group": GROUPS, "section": frame["section"].unique()}
    return frame.assign(**{column: pd.Categorical(frame[column], list(order), ordered=True) for column, order in orders.items()})


def _found(sheet: sheets.Period, others: list[sheets.Period]) -> tuple[Report, list[Finding]]:
    """The report and a finding on each of its rows, or DataError with each row that cannot be understood."""
    name, problems = f"published/{sheet.name}.csv", []
    lines = registry.read_csv(sheet.data / name, Printed._fields[:5], ("id",), problems)
    rows = [Printed(*(line.get(column, "") for column in Printed._fields[:-1]), int(line["line"])) for line in lines]
    if not rows and not problems:
        problems.append(Problem("no rows", (name,), "has headings but no rows; see data/README.md"))
    wrong = {row: faults for row in rows if (faults := _faults(row))}
    report = Report([row for row in rows if row not in wrong], sheet, others)

    def understood(step: Callable[[Printed], Finding | None], row: Printed) -> Finding | None:
        try:
            return step(row)
        except UnknownWord as error:
            message, column = (*error.args, "counts")[:2]
            wrong[row] = [(column, f"{quoted(getattr(row, column))} is not understood: {message}")]

    for row in report.rows_printed:
        understood(report.compute, row)
    found = [understood(lambda row: finding(row, report), row) for row in report.rows_printed if row not in wrong]
    problems += [Problem(f"{column} of a row", (name, f"line {row.line}", column), message, (row.line,))
                 for row, faults in wrong.items() for column, message in faults]
    if problems:
        raise DataError(problems)
    return report, found


def _faults(row: Printed) -> list[tuple[str, str]]:
    """What is wrong with the form of a row: the column, and what was found and what is allowed."""
    form, called = FORMS.get(row.unit, (re.compile(".*"), ""))
    checks = [
        (row.unit not in FORMS, "unit", f"{quoted(row.unit)} is not one of {'、'.join((*KINDS, *UNITS))}"),
        (not form.fullmatch(row.printed), "printed", f"{quoted(row.printed)} is not {called}, as unit {row.unit} wants"),
        (row.printed.endswith("多") and row.counts, "counts", f"{quoted(row.counts)} is exact, but the report prints {row.printed}; leave it empty"),
        (f"[{row.id}]" in row.counts, "counts", f"{quoted(row.counts)} has the row's own id {row.id} among its terms"),
        (not row.counts and row.unit not in (DATE, *UNITS), "counts", f"is empty; unit {row.unit} needs to know what is counted (see data/README.md)"),
        (row.of and row.unit not in (SHARE, CLAIM), "of", f"{quoted(row.of)} is a denominator, of which {row.unit} has none; leave it empty"),
        (row.unit == SHARE and not row.of, "of", f"is empty; write the denominator: {'、'.join(DENOMINATORS)}, or another phrase")]
    return [(column, message) for wrong, column, message in checks if wrong][:1 if row.unit not in FORMS else None]


def _group(row: Printed, found: Finding, report: Report) -> str:
    """What kind of difference it is: one of GROUPS."""
    if row.unit == SHARE:
        return GROUPS[0] if found.off > report.last_place / 100 else GROUPS[4]
    if row.unit in (CLAIM, NAME, LABEL):
        return GROUPS[3] if row.unit == CLAIM else GROUPS[5]
    return GROUPS[2] if row.id in report.numbers and len(report.numbers[row.id].terms) > 1 else GROUPS[1]


def _shown(row: Printed, found: Finding) -> dict[str, str]:
    """A row as the table of everything has it."""
    shown = {"内容": row.statement, "印作": row.printed, "重算": found.recomputed, "相差": "", "结论": IN_CHINESE[found.verdict]}
    if row.unit == CLAIM:
        return shown | {"重算": {AGREES: "成立", DIFFERS: "不成立", UNVERIFIED: ""}[found.verdict]}
    if row.unit == LIST:
        return shown | {"印作": f"{len(row.printed.split('；'))}家的名单", "重算": f"{len(found.recomputed.split('；'))}家的名单"}
    if row.unit == NAME:
        return shown | {"内容": f"{row.statement}：{row.printed}", "印作": "如左", "重算": "另一写法" if found.verdict == DIFFERS else "同一家"}
    return shown | {"相差": found.difference if row.unit not in KINDS or row.unit == SHARE else ""}


def others(sheet: sheets.Period) -> tuple[list[sheets.Period], list[str]]:
    """The sheets of the other periods, and the names of those that are wrong or half filled in."""
    read, unread = [], []
    for period in sheets.periods(sheet.data):
        if period != sheet.name:
            try:
                read.append(sheets.read(period, sheet.data))
            except DataError:  # its own check says why
                unread.append(period)
    return read, unread


def names(sheet: sheets.Period, others: list[sheets.Period], findings: pd.DataFrame) -> pd.DataFrame:
    """What is odd about names, codes, ties and labels in the report and against the other periods, with what the registry decided.

    The columns 情形, 见于, 名录的判定 and 依据.
    """
    here = findings[findings["unit"].isin([LIST, NAME])]
    printed = [(sheet.name, row.section, name, "", id) for row in here.itertuples() for name in row.printed.split("；")
               if (id := sheet.registry.id_of(name.strip()))]
    seen = pd.DataFrame([*_seen(sheet), *printed, *(sight for other in others for sight in _seen(other))],
                        columns=["period", "place", "name", "code", "id"])
    named = sorted(_names(seen, sheet), key=lambda row: row[0])
    return pd.DataFrame([*_codes(seen, sheet), *named, *_ties_and_labels(findings, sheet)],
                        columns=["情形", "见于", "名录的判定", "依据"])


def _seen(sheet: sheets.Period) -> Iterator[tuple[str, str, str, str, str]]:
    """Where a sheet names an alliance: the period, the list, the name, the code (none among the experts), the registry's id."""
    known = sorted([*sheet.registry.by_name.items(), *sheet.registry.by_alias.items()], key=lambda pair: -len(pair[0]))
    for place, listed in (("评分表", sheet.evaluated), ("未参评", sheet.absent), ("A级名单", sheet.a_level)):
        yield from ((sheet.name, place, a.name, a.code, a.id) for a in listed)
    for post in (post for *_, posts in sheet.experts for post in posts.split("；")):
        for name, id in [pair for pair in known if normalise(post).startswith(pair[0])][:1]:
            end = next(end for end in range(len(post) + 1) if normalise(post[:end]) == name)
            yield sheet.name, "专家组", post[:end], "", id


def _where(seen: pd.DataFrame, column: str) -> str:
    """`2020-2021：109（评分表）、110（A级名单）`: what stands in a column, and where, by period."""
    said = []
    for period, rows in seen[seen[column] != ""].groupby("period", sort=False):
        places = {value: list(dict.fromkeys(found)) for value, found in rows.groupby(column, sort=False)["place"]}
        said.append(f"{period}：" + "、".join(  # 附件1 专家组 is where 专家组 is
            f"{value}（{'、'.join(p for p in found if not any(q != p and q.endswith(p) for q in found))}）" for value, found in places.items()))
    return "；".join(said)


def _codes(seen: pd.DataFrame, sheet: sheets.Period) -> Iterator[tuple[str, str, str, str]]:
    coded, registry = seen[seen["code"] != ""], sheet.registry
    here = coded[coded["period"] == sheet.name]
    for code, rows in coded[coded["code"].isin(here["code"])].groupby("code"):
        if rows["id"].nunique() > 1:
            held = rows.groupby("period", sort=False)["id"].unique()
            where = "；".join(f"{period}：{'、'.join(registry.names[id] for id in sorted(ids))}" for period, ids in held.items())
            yield "一码两家", f"{code}：{where}", *_decided(registry, sorted(rows["id"].unique()), code)
    for id, rows in coded[coded["id"].isin(here["id"])].groupby("id", sort=False):
        if rows["code"].nunique() > 1:
            yield "一家两码", f"{registry.names[id]}：{_where(rows, 'code')}", *_decided(registry, [id])


def _decided(registry: Registry, ids: list[str], code: str = "") -> tuple[str, str]:
    """What the registry holds of the codes of alliances, and why."""
    held = [f"{registry.names[id] if code else ''}{period}的{own}{'存疑' if status == 'doubtful' else '可信'}"
            for (id, period), (own, status) in registry.codes.items() if id in ids and code in ("", own)]
    doubts = [d["evidence"] for id in ids for d in registry.decisions.get(id, ()) if d.get("status") == "doubtful"]
    return "；".join(held), " ".join(dict.fromkeys(doubts)) or "—"


def _names(seen: pd.DataFrame, sheet: sheets.Period) -> Iterator[tuple[str, str, str, str]]:
    registry, seen = sheet.registry, seen.assign(form=seen["name"].map(normalise))
    for id in seen.loc[seen["period"] == sheet.name, "id"].unique():
        rows, canonical = seen[seen["id"] == id], registry.names[id]
        if set(rows["form"]) == {normalise(canonical)}:
            continue
        decisions = [d for d in registry.decisions.get(id, ()) if normalise(d.get("alias", "")) in set(rows["form"])]
        kinds = dict.fromkeys(KIND_OF_ALIAS[d["kind"]] for d in decisions)
        within = "（本报告之内不一）" if rows.loc[rows["period"] == sheet.name, "form"].nunique() > 1 else ""
        yield ("、".join(kinds) or "写法", _where(rows, "name").removeprefix(f"{sheet.name}：") + within,
               "；".join([f"采用{canonical}", *(f"{d['alias']}记为{KIND_OF_ALIAS[d['kind']]}" for d in decisions)]),
               " ".join(d["evidence"] for d in decisions) or "—")


def _ties_and_labels(findings: pd.DataFrame, sheet: sheets.Period) -> Iterator[tuple[str, str, str, str]]:
    scored = pd.DataFrame([(a.score, a.code) for a in sheet.evaluated if a.score is not None], columns=["score", "code"])
    ties = scored.groupby("score", sort=False)["code"].agg(list)[lambda codes: codes.map(len) > 1]
    ordered = ties.map(lambda codes: codes == sorted(codes))
    for score, codes in ties[~ordered.astype(bool)].items():
        yield ("同分次序", f"{score:g}分：{'、'.join(codes)}", "名次相同，次序不影响等级",
               f"同分的{len(ties)}组中，{ordered.sum()}组按代码从小到大，这一组不是")
    labels = findings[findings["unit"] == LABEL].astype({"section": str})
    for right in (sheet.scheme.labels[grade] for grade in BEST_FIRST):
        used = labels[labels["recomputed"] == right].groupby("printed", sort=False)["section"].agg("、".join)
        if set(used.index) - {right}:
            yield "等级叫法", "；".join(f"{label}（{where}）" for label, where in used.items()), f"本期方案作{right}", "registry/schemes.csv"


def conclusion(findings: pd.DataFrame) -> list[Verdict]:
    """How many agree, differ and cannot be verified, and what is furthest from right."""
    percentages, first = int((findings["unit"] == SHARE).sum()), next(_worst_first(findings).itertuples(), None)
    said = [verdict("result.checked", total=len(findings), percentages=percentages, **tally(findings))]
    if first is None:
        return [*said, verdict("result.none"), verdict("result.where")]
    name = "result.worst-claim" if first.unit == CLAIM else "result.worst"
    causes = [] if first.unit == CLAIM else first.causes
    return [*said, verdict(name, section=first.section, statement=first.statement, printed=first.printed, working=first.working), *causes,
            verdict("result.where")]


def tally(findings: pd.DataFrame) -> dict[str, int]:
    """How many agree, differ and cannot be verified."""
    counts = findings["verdict"].value_counts()
    return {name: int(counts[verdict]) for name, verdict in zip(("agree", "differ", "unverified"), VERDICTS)}


def differences(findings: pd.DataFrame) -> list[Verdict]:
    """An item for each row that differs, the furthest off first, with its likeliest cause."""
    return [said for row in _worst_first(findings).itertuples() for said in (
        verdict("differs.claim" if row.unit == CLAIM else "differs.item", section=row.section, statement=row.statement, id=row.id,
                printed=row.printed, working=row.working), *row.causes)]


def _worst_first(findings: pd.DataFrame) -> pd.DataFrame:
    differing = findings[findings["verdict"] == DIFFERS]
    return differing.assign(near=-differing["off"]).sort_values(["group", "near"], kind="stable")


def provenance(sheet: sheets.Period) -> list[tuple[str, str]]:
    """What the audit was made from and by which rules."""
    printed = sheet.data / "published" / f"{sheet.name}.csv"
    floors = "，".join(f"{sheet.scheme.labels[grade]}≥{sheet.scheme.floors[grade]:g}" for grade in BEST_FIRST)
    return [("报告所印的数", printed.name), ("SHA-256", hashlib.sha256(printed.read_bytes()).hexdigest()), ("评分表", sheet.path.name),
            ("SHA-256", sheet.sha256), ("等级方案", f"{sheet.scheme.declared}：{floors}"),
            ("取整规则", "按精确分数计算，四舍五入到报告所用的位数")]


def summary(period: str, path: Path) -> list[str]:
    """What the terminal says of a made `audit-<period>.csv`: the counts, then each row that differs."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        records = list(csv.DictReader(file))
    counts = Counter(record["verdict"] for record in records)
    lines = [f"{period}: {len(records)} figures and claims checked: {counts[AGREES]} agree, {counts[DIFFERS]} differ, "
             f"{counts[UNVERIFIED]} cannot be verified"]
    for record in (record for record in records if record["verdict"] == DIFFERS):
        lines += [f"  {record['section']} › {record['statement']} [{record['id']}]",
                  f"    printed {record['printed']}; the sheet gives {record['recomputed']}", f"    {record['cause']}"]
    return [line for line in lines if line.strip()]
