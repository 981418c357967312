"""What a cell shows, and what it says of it: option lines, `show`, and how IPython displays frames and figures.

Nothing is imported with this module; `register` is called by `import analysis` inside IPython, and nowhere else.
"""

from __future__ import annotations

import io
import math
import re
import tomllib
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import fonts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

STYLE = Path(__file__).parent / "style"
SAID = "alliance"  # the key of an output's metadata that has what `show` was told
RESOURCE = "application/vnd.dataresource+json"
SVG = "image/svg+xml"
OPTION = re.compile(r"#\|\s*([\w-]+)\s*:\s*(.*?)\s*$")
SYNONYMS = {"fig-cap": "caption", "tbl-cap": "caption", "fig-alt": "alt"}
KNOWN = ("label", "caption", "alt", "table", "note", "group", "search", "choose", "stretch", "also", "align", "cover", "date", "logo")
PERCENT = re.compile(r"占|.*(占比|比例|%)$")  # a column of floats under such a heading is of percentages
HEADINGS = {"period": "评价期", "id": "编号", "name": "联盟名称", "code": "代码", "batch": "批次", "pilot": "试点联盟", "score": "评分",
            "low": "评分至少", "high": "评分至多", "grade": "等级", "level": "等级序号", "outcome": "等级", "state": "状态", "rank": "名次",
            "a_level": "A级", "from_period": "前期", "to_period": "后期", "grade_before": "前期等级", "grade_after": "后期等级",
            "score_before": "前期评分", "score_after": "后期评分", "code_before": "前期代码", "code_after": "后期代码",
            "name_before": "前期名称", "name_after": "后期名称", "before": "前期占比", "after": "后期占比", "total": "变化",
            "stayers": "留下的联盟", "entrants": "新来的联盟", "leavers": "离开的联盟", "steps": "升降档数", "run": "连续期数",
            "kind": "情形", "how": "方式", "times": "次数", "cutoff": "分档线", "distance": "相距", "question": "问题", "holm": "校正后p",
            "section": "章节", "statement": "说法", "printed": "印作", "recomputed": "重算", "difference": "相差", "verdict": "结论",
            "cause": "原因"}  # how a reader's page and workbook head the columns of the frames
CYCLE = ("活跃度较高", "第二批", "上升", "活跃度高", "下降", "活跃度一般", "第一批", "quiet")  # by their names in palette.toml


def options(source: str) -> dict[str, str]:
    """The `#| key: value` lines at the head of a cell; Quarto's names for caption and alt are taken too.

    >>> options("#| label: a\\n#| fig-cap: 'b: c'\\nx = 1")
    {'label': 'a', 'caption': 'b: c'}
    """
    found = {}
    for line in source.strip().splitlines():
        if not (match := OPTION.match(line)):
            break
        key, value = match.groups()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        found[SYNONYMS.get(key, key)] = value[1:-1] if quoted else value
    return found


def show(*shown: object, data: pd.DataFrame | pd.Series | None = None, **said: object) -> None:
    """Show a figure, a frame, Markdown (a str too) or a figure and its frame, with what option lines say elsewhere (`KNOWN`).

    `data` is the frame whose CSV is saved where it is not the one shown; `logo` the picture above the title of a cover, as an address.
    """
    if strangers := sorted(said.keys() - set(KNOWN)):
        raise TypeError(f"show has no option {', '.join(strangers)}; it has {', '.join(KNOWN)}")
    told = {key: str(value) for key, value in said.items() if value} | ({} if data is None else {"data": resource(data)})
    from IPython import get_ipython
    from IPython.display import publish_display_data
    from matplotlib import pyplot

    for part, item in enumerate(shown):
        figure = figure_of(item)
        marked = {"text/markdown": item, "text/plain": item} if isinstance(item, str) else {}
        bundle, metadata = (marked, {}) if marked else get_ipython().display_formatter.format(figure or item)
        publish_display_data(bundle, metadata | {SAID: {"part": part} | (told if part == 0 else {})})
        if figure:
            pyplot.close(figure)


def figure_of(item: object) -> Figure | None:
    """The figure of what draws: a Figure, Axes or an array of them, a seaborn grid; None for anything else."""
    from matplotlib.figure import Figure

    if type(item).__name__ in ("ndarray", "list", "tuple") and len(item):
        return figure_of(item[0])
    return next((found for found in (item, getattr(item, "figure", None)) if isinstance(found, Figure)), None)


def svg(figure: Figure) -> str:
    """A figure as SVG, the same bytes each time, titled by its titles or else the names of its axes.

    A figure that is laid out by itself keeps its size; any other is cut to what it shows. The generic families are ours when
    a figure is drawn, so that `seaborn.set_theme()` and `pyplot.style.use` change no font. matplotlib warns of a character
    that our fonts do not have; in an export it is an error.
    """
    import matplotlib
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    titles = [figure.get_suptitle(), *(axes.get_title(place) for axes in figure.axes for place in ("left", "center", "right"))]
    names = [name for axes in figure.axes for name in (axes.get_xlabel(), axes.get_ylabel())]
    title = "；".join(dict.fromkeys(" ".join(words.split()) for words in (titles if any(titles) else names) if words))
    whole = isinstance(engine := figure.get_layout_engine(), ConstrainedLayoutEngine)
    fixed = {key: value for key, value in style().items() if key.startswith(("svg.", "path.simplify"))}
    generic = {f"font.{family}": [fonts.FAMILY] for family in ("sans-serif", "serif", "monospace", "cursive", "fantasy")}
    file, metadata = io.StringIO(), {"Title": title, "Date": None, "Creator": None}
    with matplotlib.rc_context(fixed | generic):
        if whole:  # once, and not at each of the two drawings that saving makes
            for label in (label for axes in figure.axes for label in axes.texts if label.get_transform() is axes.transData):
                label.set_in_layout(False)
            engine.execute(figure)
            figure.set_layout_engine(None)
        figure.savefig(file, format="svg", metadata=metadata, bbox_inches=None if whole else "tight")
    return file.getvalue()


@cache
def style() -> dict[str, object]:
    """The looks of every figure, as rcParams: fonts, palette, lines. `seaborn.set_theme(rc=cells.style())` keeps them."""
    import matplotlib
    from cycler import cycler
    from matplotlib.font_manager import fontManager

    fontManager.ttflist[:] = [font for font in fontManager.ttflist if font.name != fonts.FAMILY]  # a system may have others
    for face in (fonts.REGULAR, fonts.BOLD):
        fontManager.addfont(face)
    palette = {name: fill for colours in tomllib.loads((STYLE / "palette.toml").read_text("utf8")).values() for name, fill in colours.items()}
    look = dict(matplotlib.rc_params_from_file(STYLE / "report.mplstyle", use_default_template=False))
    return look | {"axes.prop_cycle": cycler(color=[palette[name] for name in CYCLE])}


def register(shell: object) -> None:
    """Make figures and frames of an IPython shell what a report takes, whatever a start-up file or a matplotlibrc set."""
    import matplotlib
    import pandas as pd
    from matplotlib import pyplot
    from matplotlib.figure import Figure
    from matplotlib_inline.config import InlineBackend

    backend = InlineBackend.instance(parent=shell)
    backend.rc, backend.figure_formats, backend.print_figure_kwargs, backend.close_figures = {}, {"svg"}, {}, True
    if hasattr(shell, "kernel"):
        shell.enable_matplotlib("inline")
        pyplot.uninstall_repl_displayhook()  # or each figure is drawn twice
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(style())
    formatters = shell.display_formatter.formatters
    for formatter in formatters.values():
        formatter.pop(Figure, None)
    formatters[SVG].for_type(Figure, svg)
    for kind in (pd.DataFrame, pd.Series):
        formatters["text/html"].pop(kind, None)
        shell.display_formatter.mimebundle_formatter.for_type(kind, _bundle)


def _bundle(frame: pd.DataFrame | pd.Series, include: object = None, exclude: object = None) -> dict[str, object]:
    table = resource(frame)
    return {RESOURCE: table, "text/html": _html(table)}


def resource(frame: pd.DataFrame | pd.Series) -> dict[str, object]:
    """A frame or Series as a tabular data resource: all rows and columns, floats in full, ordered categories marked.

    An unnamed RangeIndex is left out; other levels of the index are leading columns, named in `primaryKey`. A heading
    is a field's `title`, in the report's words; its `name` is the frame's, or another where two headings are alike. `called`
    says what the report calls a grade.
    """
    import pandas as pd

    from analysis.grades import CALLED

    if isinstance(frame, pd.Series):
        frame = frame.to_frame("" if frame.name is None else frame.name)
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    levels = [] if plain else [(name, frame.index.get_level_values(place)) for place, name in enumerate(frame.index.names)]
    columns = levels + [(name, frame.iloc[:, place]) for place, name in enumerate(frame.columns)]
    fields: list[dict] = []
    for name, values in columns:
        title = " ".join(str(part) for part in (name if isinstance(name, tuple) else [name]) if part not in (None, ""))
        unique = title if title and title not in [field["name"] for field in fields] else f"{title or 'column'}.{len(fields)}"
        shown = {"title": (HEADINGS | CALLED).get(title, title)} | ({"called": dict(CALLED)} if CALLED else {})
        fields.append({"name": unique} | shown | _type(values.dtype))
    names = [field["name"] for field in fields]
    rows = zip(*([_value(value) for value in values] for _, values in columns))
    return {"schema": {"fields": fields, "primaryKey": names[:len(levels)]}, "data": [dict(zip(names, row)) for row in rows]}


def _type(dtype: object) -> dict[str, object]:
    """A column's type in the words of Table Schema."""
    from pandas.api import types

    if isinstance(dtype, types.CategoricalDtype):
        return {"type": "string", "constraints": {"enum": [_value(value) for value in dtype.categories]}, "ordered": bool(dtype.ordered)}
    tests = {"boolean": types.is_bool_dtype, "integer": types.is_integer_dtype, "number": types.is_float_dtype}
    return {"type": next((name for name, test in tests.items() if test(dtype)), "string")}


def _value(value: object) -> object:
    """A cell as JSON: None, bool, int, float or text; a small drawing (`_repr_svg_`) with its text."""
    import pandas as pd

    if not isinstance(value, str) and pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if hasattr(value, "_repr_svg_"):
        return {"svg": value._repr_svg_(), "alt": str(value)}
    value = value.item() if type(value).__module__ == "numpy" and not value.shape else value
    whole = isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value))
    return value if whole else str(value).removesuffix(" 00:00:00")


def text(value: object, field: dict) -> str:
    """A cell as it is shown: floats to 10 digits, shares of percent to two places, half up, nothing as a dash."""
    if value is None or isinstance(value, bool):
        return "—" if value is None else "是" if value else "否"
    if isinstance(value, dict):
        return value["alt"]
    if field["type"] != "number" or isinstance(value, str):
        return field.get("called", {}).get(value, str(value))
    if PERCENT.match(field["title"]):
        return f"{Decimal(repr(value)).quantize(Decimal('0.01'), ROUND_HALF_UP)}%"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10g}"


def _html(table: dict) -> str:
    """A frame as stock tools show it: every row, text to the left."""
    fields = table["schema"]["fields"]
    looks = ["right" if field["type"] in ("integer", "number") else "left" for field in fields]
    rows = [[value["svg"] if isinstance(value, dict) else escape(text(value, field)) for value, field in zip(row.values(), fields)]
            for row in table["data"]]
    lines = [("th", [escape(field["title"]) for field in fields]), *(("td", row) for row in rows)]
    return "<table>" + "\n".join("<tr>" + "".join(f'<{tag} style="text-align: {look}">{cell}</{tag}>' for look, cell in zip(looks, row))
                                 + "</tr>" for tag, row in lines) + "</table>"
