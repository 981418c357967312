"""What a published report calls alliances and grades, and which codes it gives them, beside the registry and the other periods."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis import sheets
from analysis.audit_phrases import LIST, NAME, lists
from analysis.registry import Registry, normalise

KIND_OF_ALIAS = {"renamed": "更名", "misspelt": "误写", "short": "简称"}


def names(sheet: sheets.Period, others: list[sheets.Period], findings: pd.DataFrame) -> pd.DataFrame:
    """What is odd about names, codes and ties in the report and against the other periods, with what the registry decided.

    The columns 情形, 见于, 名录的判定 and 依据.
    """
    listed = [(each.name, place, a.name, a.code, a.id) for each in (sheet, *others) for place, rows in lists(each).items() for a in rows]
    own = [(sheet.name, row.section, name, "", sheet.registry.id_of(name))
           for row in findings[findings["unit"].isin([LIST, NAME])].itertuples() for name in row.printed.split("；")]
    seen = pd.DataFrame([*listed, *own], columns=["period", "place", "name", "code", "id"]).dropna(subset="id")
    named = sorted(_names(seen, sheet), key=lambda row: row[0])
    return pd.DataFrame([*_codes(seen, sheet), *named, *_ties(sheet)], columns=["情形", "见于", "名录的判定", "依据"])


def _where(seen: pd.DataFrame, column: str) -> str:
    """`2020-2021：109（评分表）、110（A级名单）`: what stands in a column, and where, by period."""
    places = seen[seen[column] != ""].groupby(["period", column], sort=False)["place"].agg(lambda found: "、".join(dict.fromkeys(found)))
    return "；".join(f"{period}：" + "、".join(f"{value}（{found}）" for (_, value), found in of_period.items())
                    for period, of_period in places.groupby(level=0, sort=False))


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
        if [*kinds] == ["误写"]:  # a slip of the report that prints it, which its errata have
            continue
        within = "（本报告之内不一）" if rows.loc[rows["period"] == sheet.name, "form"].nunique() > 1 else ""
        yield ("、".join(kinds) or "写法", _where(rows, "name").removeprefix(f"{sheet.name}：") + within,
               "；".join([f"采用{canonical}", *(f"{d['alias']}记为{KIND_OF_ALIAS[d['kind']]}" for d in decisions)]),
               " ".join(d["evidence"] for d in decisions) or "—")


def _ties(sheet: sheets.Period) -> Iterator[tuple[str, str, str, str]]:
    scored = pd.DataFrame([(a.score, a.code) for a in sheet.evaluated if a.score is not None], columns=["score", "code"])
    ties = scored.groupby("score", sort=False)["code"].agg(list)[lambda codes: codes.map(len) > 1]
    ordered = ties.map(lambda codes: codes == sorted(codes))
    for score, codes in ties[~ordered.astype(bool)].items():
        yield ("同分次序", f"{score:g}分：{'、'.join(codes)}", "名次相同，次序不影响等级",
               f"同分的{len(ties)}组中，{ordered.sum()}组按代码从小到大，这一组不是")
