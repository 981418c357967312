"""What a published report calls alliances and grades, and which codes it gives them, beside the registry and the other periods."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import sheets
from analysis.audit_phrases import LIST, NAME, lists
from analysis.registry import normalise

KIND_OF_ALIAS = {"renamed": "更名", "misspelt": "误写", "short": "简称"}
Row = tuple[str, str, str, str]  # 情形, 见于, 名录的判定, 依据


def names(sheet: sheets.Period, others: list[sheets.Period], findings: pd.DataFrame) -> pd.DataFrame:
    """What is odd about names, codes and ties in the report and against the other periods, with what the registry decided.

    The columns 情形, 见于, 名录的判定 and 依据.
    """
    known = sheet.registry
    listed = [(each.name, place, a.name, a.code, a.id) for each in (sheet, *others) for place, rows in lists(each).items() for a in rows]
    told = [(sheet.name, row.section, name, "", known.id_of(name))
            for row in findings[findings["unit"].isin([LIST, NAME])].itertuples() for name in row.printed.split("；")]
    seen = pd.DataFrame([*listed, *told], columns=["period", "place", "name", "code", "id"]).dropna(subset="id")
    seen = seen.assign(form=seen["name"].map(normalise), own=seen["id"].map(known.names))
    spelt = seen[seen["id"].isin(seen.loc[seen["form"] != seen["own"].map(normalise), "id"])]
    named = sorted((_named(id, rows, sheet) for id, rows in _here(spelt, "id", sheet)), key=lambda row: row[0])
    odd = [row for row in named if row[0] != "误写"]  # a misspelt name is a slip of the report that prints it, in its errata
    return pd.DataFrame([*_codes(seen[seen["code"] != ""], sheet), *odd, *_ties(sheet)], columns=["情形", "见于", "名录的判定", "依据"])


def _here(seen: pd.DataFrame, column: str, sheet: sheets.Period) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each value that the report's own period has."""
    return (group for group in seen.groupby(column, sort=False) if (group[1]["period"] == sheet.name).any())


def _where(seen: pd.DataFrame, column: str) -> str:
    """`2020-2021：109（评分表）、110（A级名单）`: what stands in a column, and where, by period."""
    places = seen.groupby(["period", column], sort=False)["place"].agg(lambda found: "、".join(found.unique())).reset_index(column)
    values = places[column] + "（" + places["place"] + "）"
    return "；".join(f"{period}：{'、'.join(found)}" for period, found in values.groupby(level=0, sort=False))


def _codes(coded: pd.DataFrame, sheet: sheets.Period) -> Iterator[Row]:
    known = sheet.registry
    for kind, by, other, shown in (("一码两家", "code", "id", "own"), ("一家两码", "id", "code", "code")):
        for key, rows in _here(coded, by, sheet):
            if rows[other].nunique() > 1:
                held = [f"{known.names[id] if by == 'code' else ''}{period}的{code}{'存疑' if status == 'doubtful' else '可信'}"
                        for (id, period), (code, status) in known.codes.items() if id in {*rows["id"]} and code in {*rows["code"]}]
                doubts = [d["evidence"] for id in sorted({*rows["id"]}) for d in known.decisions.get(id, ()) if d.get("status") == "doubtful"]
                yield kind, f"{known.names.get(key, key)}：{_where(rows, shown)}", "；".join(held), " ".join(dict.fromkeys(doubts)) or "—"


def _named(id: str, rows: pd.DataFrame, sheet: sheets.Period) -> Row:
    """The forms of a name beside what the registry decided."""
    decisions = [d for d in sheet.registry.decisions.get(id, ()) if normalise(d.get("alias", "")) in {*rows["form"]}]
    kinds = dict.fromkeys(KIND_OF_ALIAS[d["kind"]] for d in decisions)
    within = "（本报告之内不一）" if rows.loc[rows["period"] == sheet.name, "form"].nunique() > 1 else ""
    return ("、".join(kinds) or "写法",
            _where(rows, "name").removeprefix(f"{sheet.name}：") + within,
            "；".join([f"采用{sheet.registry.names[id]}", *(f"{d['alias']}记为{KIND_OF_ALIAS[d['kind']]}" for d in decisions)]),
            " ".join(d["evidence"] for d in decisions) or "—")


def _ties(sheet: sheets.Period) -> Iterator[Row]:
    scored = pd.DataFrame([(a.score, a.code) for a in sheet.evaluated if a.score is not None], columns=["score", "code"])
    ties = {score: codes for score, codes in scored.groupby("score", sort=False)["code"].agg(list).items() if len(codes) > 1}
    odd = {score: codes for score, codes in ties.items() if codes != sorted(codes)}
    for score, codes in odd.items():
        yield ("同分次序", f"{score:g}分：{'、'.join(codes)}", "名次相同，次序不影响等级",
               f"同分的{len(ties)}组中，{len(ties) - len(odd)}组按代码从小到大，这一组不是")
