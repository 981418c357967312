"""All alliances of all periods as tidy tables, CSV and Parquet, with a Data Package (v2) that says what each column is.

What a column means stands in data/README.md, under TABLES, and is read from there: one codebook for people and programs.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pandas as pd

from analysis import DATA, cells, trends
from analysis.grades import INCOMPLETE
from analysis.roster import of_all
from analysis.sheets import Period

TABLES = "## Tidy tables"
PROFILE = "https://datapackage.org/profiles/2.0"


def frames(sheets: Sequence[Period]) -> dict[str, pd.DataFrame]:
    """The tables by name: alliances and counts, and, of two periods or more, transitions and decomposition."""
    alliances = of_all(sheets)
    schemes = {sheet.name: sheet.scheme.declared for sheet in sheets}
    breaks = [later.name for earlier, later in pairwise(sheets) if earlier.scheme.floors != later.scheme.floors]
    alliances = alliances.assign(
        withheld=alliances["grade"].notna() & alliances["score"].isna(), incomplete=alliances["state"] == INCOMPLETE,
        scheme=alliances["period"].astype(str).map(schemes), scheme_break=alliances["period"].isin(breaks))
    tables = {"alliances": alliances, "counts": _counted(alliances, "period", "batch", "state")}
    if len(sheets) > 1:
        by = ["from_period", "to_period"]
        moves = trends.pairs(alliances).astype(dict.fromkeys(by, alliances["period"].dtype))
        tables["transitions"] = _counted(moves, *by, "state_before", "state_after")
        parts = moves.groupby(by, observed=True)[[*moves]].apply(trends.decomposition).astype(float).reset_index()
        tables["decomposition"] = parts.astype({"grade": alliances["grade"].dtype})
    return tables


def _counted(rows: pd.DataFrame, *by: str) -> pd.DataFrame:
    return rows.groupby([*by], observed=True).size().rename("alliances").reset_index()


def files(sheets: Sequence[Period]) -> dict[str, bytes]:
    """What `make data` writes, by the name of the file."""
    tables, meant = frames(sheets), meanings()
    made = {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n").encode("utf-8-sig") for name, frame in tables.items()}
    parquet = io.BytesIO()
    tables["alliances"].to_parquet(parquet, index=False)
    package = {
        "$schema": f"{PROFILE}/datapackage.json", "name": "alliance-evaluation", "title": "Alliances by evaluation period",
        "description": f"Periods: {', '.join(sheet.name for sheet in sheets)}. A withheld score is missing, with its bounds in low and high.",
        "sources": [{"title": f"{sheet.path.name}, SHA-256 {sheet.sha256}", "path": sheet.path.name} for sheet in sheets],
        "resources": [described(name, frame, meant.get(name, {})) for name, frame in tables.items()]}
    said = json.dumps(package, ensure_ascii=False, indent=2) + "\n"
    return made | {"alliances.parquet": parquet.getvalue(), "datapackage.json": said.encode()}


def described(name: str, frame: pd.DataFrame, meanings: dict[str, str]) -> dict[str, object]:
    """A table as a resource: its columns' types and meanings, and the values of its classes in order, worst first."""
    fields = []
    for field in cells.resource(frame.reset_index(drop=True))["schema"]["fields"]:
        own = {"name": field["name"], "type": field["type"]}
        if said := meanings.get(field["name"]):
            own["description"] = said
        if constraints := field.get("constraints"):
            own |= {"constraints": constraints, "categories": constraints["enum"], "categoriesOrdered": field["ordered"]}
        fields.append(own)
    return {"$schema": f"{PROFILE}/dataresource.json", "name": name, "path": f"{name}.csv", "type": "table", "format": "csv",
            "mediatype": "text/csv", "encoding": "utf-8", "schema": {"fields": fields, "missingValues": [""]}}


def meanings(readme: Path = DATA / "README.md") -> dict[str, dict[str, str]]:
    """What each column of each table means, from the codebook."""
    found: dict[str, dict[str, str]] = {}
    name = ""
    for line in readme.read_text("utf8").partition(f"\n{TABLES}\n")[2].partition("\n## ")[0].splitlines():
        parts = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        if line.startswith("| ") and len(parts) == 3 and parts[0] != "table":
            name = parts[0] or name
            found.setdefault(name, {}).update(dict.fromkeys(parts[1].split(", "), parts[2]))
    return found
