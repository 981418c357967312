"""A published report against its score sheet: a finding on each row of `data/published/<period>.csv`, and what is odd about names.

data/README.md says what a row is and what it may count.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd

from analysis import registry, sheets
from analysis.audit_phrases import CLAIM, LABEL, LIST, NAME, SHARE, Printed, UnknownWord, faults
from analysis.audit_verdicts import AGREES, DIFFERS, UNVERIFIED, VERDICTS, Finding, Report, finding
from analysis.grades import BEST_FIRST
from analysis.problems import DataError, Problem, quoted
from analysis.registry import Registry, normalise
from analysis.words import Verdict, verdict

SAVED = ["id", "section", "statement", "printed", "recomputed", "difference", "verdict", "cause"]
GROUPS = ("占比不对", "家数、名单和日期不对", "加减合不上", "说法不成立", "占比的末位不对", "名称和叫法不一")  # worst first
IN_CHINESE = dict(zip(VERDICTS, ("相符", "不符", "无法核实")))
KIND = {SHARE: GROUPS[0], CLAIM: GROUPS[3], NAME: GROUPS[5], LABEL: GROUPS[5]}
KIND_OF_ALIAS = {"renamed": "更名", "misspelt": "误写", "short": "简称"}


def published(period: str, data: Path | str = "") -> None:
    """Whether the period's published file can be audited. Raises DataError with everything in it that cannot be understood."""
    _found(sheets.read(period, data), [])


def findings(sheet: sheets.Period, others: list[sheets.Period] = ()) -> pd.DataFrame:
    """A row for each figure and claim of the period's published report, in printed order. Raises DataError.

    The columns of SAVED, of `Printed` and of `Finding`; 结论, the verdict in Chinese; told, verdicts for the sentences of the causes;
    group, what kind of difference it is, worst first, and off, by how much; lacks, what would verify it.
    """
    report, found = _found(sheet, list(others))
    frame = pd.DataFrame(report.printed).join(pd.DataFrame(found))
    frame["cause"] = frame["causes"].map(lambda causes: "; ".join(f"{cause.kind}: {cause.detail}" for cause in causes))
    frame["told"] = frame["causes"].map(lambda causes: [cause.told for cause in causes if cause.told])
    frame["lacks"] = frame["cause"].str.removeprefix("needs: ").where(frame["verdict"] == UNVERIFIED, "")
    frame["结论"] = frame["verdict"].map(IN_CHINESE)
    sums = frame["id"].map(lambda id: id in report.numbers and len(report.numbers[id].terms) > 1)
    frame["off"] = pd.to_numeric(frame["difference"], errors="coerce").abs()
    last_place = (frame["unit"] == SHARE) & (frame["off"] < 1.5 / 10 ** report.places)
    frame["group"] = frame["unit"].map(KIND).fillna(GROUPS[1]).mask(sums, GROUPS[2]).mask(last_place, GROUPS[4])
    orders = {"verdict": VERDICTS, "结论": IN_CHINESE.values(), "group": GROUPS, "section": frame["section"].unique()}
    return frame.assign(**{column: pd.Categorical(frame[column], list(order), ordered=True) for column, order in orders.items()})


def _found(sheet: sheets.Period, others: list[sheets.Period]) -> tuple[Report, list[Finding]]:
    """The report and a finding on each of its rows, or DataError with each row that cannot be understood."""
    name, problems = f"published/{sheet.name}.csv", []
    lines = registry.read_csv(sheet.data / name, Printed._fields[:5], ("id",), problems)
    rows = [Printed(*(line.get(column, "") for column in Printed._fields[:-1]), int(line["line"])) for line in lines]
    if not rows and not problems:
        problems.append(Problem("no rows", (name,), "has headings but no rows; see data/README.md"))
    wrong = {row: found for row in rows if (found := faults(row))}
    report = Report([row for row in rows if row not in wrong], sheet, others)

    def understood(step: Callable[[Printed], Finding | None], row: Printed) -> Finding | None:
        try:
            return step(row)
        except UnknownWord as error:
            message, column = (*error.args, "counts")[:2]
            wrong[row] = [(column, f"{quoted(getattr(row, column))} is not understood: {message}")]

    for row in report.printed:
        understood(report.compute, row)
    found = [understood(lambda row: finding(row, report), row) for row in report.printed if row not in wrong]
    problems += [Problem(f"{column} of a row", (name, f"line {row.line}", column), message, (row.line,))
                 for row, faults in wrong.items() for column, message in faults]
    if problems:
        raise DataError(problems)
    return report, found


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


def worst_first(findings: pd.DataFrame) -> pd.DataFrame:
    """The rows that differ, in their groups, and in each the furthest off first."""
    return findings[findings["verdict"] == DIFFERS].sort_values("off", ascending=False, kind="stable").sort_values("group", kind="stable")


def worst(findings: pd.DataFrame) -> list[Verdict]:
    """What is furthest from right, with its cause."""
    for row in worst_first(findings).head(1).itertuples():
        name, told = ("result.worst-claim", []) if row.unit == CLAIM else ("result.worst", row.told)
        return [verdict(name, section=row.section, statement=row.statement, printed=row.printed, working=row.working), *told]
    return [verdict("result.none")]


def differences(findings: pd.DataFrame) -> list[Verdict]:
    """An item for each row that differs, the furthest off first, with its likeliest cause."""
    return [said for row in worst_first(findings).itertuples() for said in (
        verdict("differs.claim" if row.unit == CLAIM else "differs.item", section=row.section, statement=row.statement, id=row.id,
                printed=row.printed, working=row.working), *row.told)]


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
