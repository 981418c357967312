"""An empty workbook for a period: what `make new YEAR=2022` writes."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from analysis import registry, sheets
from analysis.grades import BEST_FIRST, INCOMPLETE, TOP_SCORE
from analysis.problems import FORMULA_STARTS, DataError
from analysis.registry import Registry
from analysis.sheets import A_LEVEL, ABSENT, ACTIVITIES, COUNTS, DATES, EXPERTS, FACTS, NOT_ENTERED, SCORES, TOLD, TOTALS, Period
from analysis.workbook import letters

DIRECTORY, HEADING_ROW, LAST_ROW = "联盟名录", 3, 500
WIDTHS = {"序号": 6, "联盟名称": 48, "批次": 8, "评分": 8, "等级": 12, "情况": 14, "项目": 30, "数值": 16, "单位": 8, "说明": 60,
          "职务": 10, "姓名": 12, "单位及职务": 60, "编号": 8, "联盟数": 8}
EXPLANATIONS = {
    SCORES: "每个参评联盟一行。名称和批次代码从“联盟名录”整行复制。评分为 0 至 100；不公布评分时留空，并在“等级”中选择等级。"
            "等级可以不填；填了就会与评分核对。可以增加其他列，供分组分析。",
    FACTS: "开始日期和结束日期必填，且不能与其他评价期重叠；其余各项有则填写，没有则留空，报告会注明未公布。",
    ABSENT: "没有参评但知道名称的联盟，每个一行。已在“评分表”中的联盟不能再列在这里。没有就留空。",
    ACTIVITIES: "各等级中开展了某项活动的联盟数。“联盟数”是该等级的联盟总数，会与“评分表”核对。没有统计就整行留空。",
    TOTALS: "全部参评联盟的活动总量。项目和单位可以改、可以增加；没有数值的项目不进入报告。",
    A_LEVEL: "连续三个评价期活跃度高的联盟，每个一行。没有就留空。",
    EXPERTS: "每位专家一行；一人有两个职务时用“；”隔开。没有就留空。",
    DIRECTORY: "已登记的联盟及其最近一期的代码，供复制，程序不读。这里没有的联盟，要先在 data/registry/alliances.csv 中加一行。",
}
ABOUT = dict(zip((*DATES, *TOLD, *COUNTS), (
    "必填，如 2022-01-01", "必填，如 2022-12-31", "日期", "日期", "日期", "文字，如 2023年1月；有日期就写日期",
    "文字，接在“评价专家组共若干人”之后，如：成员来自各联盟秘书处", "各批次批准的联盟总数",
    "在系统中录入信息的联盟数", "录入但信息不完整的联盟数",
    "应等于评分表中的联盟数", "评价专家人数", "参评联盟中有网站的联盟数")))


def write(period: str, data: Path) -> Path:
    """Write the workbook of a period where it belongs. Raises FileExistsError if something is there already."""
    path, content = sheets.path_of(period, data), io.BytesIO()
    _workbook(period, registry.read(data), _earlier(data)).save(content)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        try:
            file.write(content.getvalue())
        except OSError:
            path.unlink()
            raise
    return path


def _earlier(data: Path) -> list[Period]:
    """The sound periods there are, latest first: their activities and totals are offered again."""
    found = []
    for name in reversed(sheets.periods(data)):
        try:
            found.append(sheets.read(name, data))
        except DataError:
            continue
    return found


def _workbook(period: str, known: Registry, earlier: list[Period]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    labels = [known.scheme(period).labels[grade] for grade in BEST_FIRST]
    activities = next((list(counts) for p in earlier for counts in p.activities.values()), ["联盟数"])
    totals = next((p.totals for p in earlier if p.totals), {})
    count = DataValidation("whole", operator="greaterThanOrEqual", formula1="0")

    def sheet(name: str, headings: tuple[str, ...], *rules: tuple[str, DataValidation, str], rows: list[tuple] = ()) -> Worksheet:
        made = _sheet(book, name, period, headings, rows)
        for where, rule, message in rules:
            _allow(made, where, rule, message)
        return made

    code = ("批次", _code_rule(known, period), "批次代码是三位数字，或 D 加三位数字")
    sheet(SCORES, ("序号", "联盟名称", "批次", "评分", "等级"), code, ("等级", _list(labels), f"等级是{'、'.join(labels)}之一"),
          ("评分", DataValidation("decimal", operator="between", formula1="0", formula2=str(TOP_SCORE)),
           "评分是 0 至 100 的数；不公布时留空，并选择等级"))
    facts = sheet(FACTS, ("项目", "数值", "说明"), rows=[(item, None, about) for item, about in ABOUT.items()])
    for row, item in enumerate(ABOUT, start=HEADING_ROW + 1):
        if item in DATES:
            _allow(facts, f"B{row}", DataValidation("date", operator="greaterThan", formula1="36526"), f"{item}是日期，如 2022-01-31")
            facts[f"B{row}"].number_format = "yyyy-mm-dd"
        elif item in COUNTS:
            _allow(facts, f"B{row}", count, f"{item}是整数")
        if item in DATES[:2]:
            facts[f"A{row}"].font = Font(bold=True)
    sheet(ABSENT, ("序号", "联盟名称", "批次", "情况"), code,
          ("情况", _list([INCOMPLETE, NOT_ENTERED]), f"情况是{INCOMPLETE}或{NOT_ENTERED}"))
    sheet(ACTIVITIES, ("等级", *activities), *((heading, count, "联盟数是整数") for heading in activities), rows=[(label,) for label in labels])
    sheet(TOTALS, ("项目", "数值", "单位"), ("数值", DataValidation("decimal", operator="greaterThanOrEqual", formula1="0"), "数值是数"),
          rows=[(item, None, unit) for item, (_, unit) in totals.items()])
    sheet(A_LEVEL, ("序号", "联盟名称", "批次"), code)
    sheet(EXPERTS, ("职务", "姓名", "单位及职务"), ("职务", _list(["顾问", "组长", "副组长", "成员"], "warning"),
                                             "职务一般是顾问、组长、副组长、成员之一"))
    sheet(DIRECTORY, ("编号", "联盟名称", "批次", "说明"), rows=_directory(known))
    book.properties.creator = "alliance-evaluation"
    book.properties.created = book.properties.modified = dt.datetime(registry.first_year(period), 1, 1)
    return book


def _sheet(book: Workbook, name: str, period: str, headings: tuple[str, ...], rows: list[tuple]) -> Worksheet:
    """A sheet with a title, an explanation, the headings, and the rows that are known; it scrolls under the headings."""
    sheet = book.create_sheet(name)
    for row in ([f"{name}（{period} 评价期）"], [EXPLANATIONS[name]], headings, *rows):
        sheet.append(row)
    for cell in (cell for row in sheet.iter_rows() for cell in row if str(cell.value).startswith(FORMULA_STARTS)):
        cell.data_type, cell.quotePrefix = "s", True
    sheet["A1"].font = Font(bold=True, size=14)
    widths = [WIDTHS.get(heading, max(10, 2 * len(heading))) for heading in headings]
    for cell, width in zip(sheet[HEADING_ROW], widths):
        sheet.column_dimensions[cell.column_letter].width = width
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="D5E6F7")
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.merge_cells(f"A2:{letters(len(headings))}2")
    sheet["A2"].alignment = Alignment(wrap_text=True, vertical="top")
    sheet.row_dimensions[2].height = 15 * (2 * len(EXPLANATIONS[name]) // sum(widths) + 1) + 3
    sheet.freeze_panes = f"A{HEADING_ROW + 1}"
    return sheet


def _list(words: list[str], style: str = "stop") -> DataValidation:
    return DataValidation("list", formula1=f'"{",".join(words)}"', errorStyle=style)


def _code_rule(known: Registry, period: str) -> DataValidation:
    """What a code may be, as a formula for the first cell under the headings; Excel moves it down with the cells."""
    cell, keys = f"C{HEADING_ROW + 1}", [batch.key for batch in known.batches_in(period)]
    digits, letter = "".join(k for k in keys if k.isdigit()), "".join(k for k in keys if not k.isdigit())
    forms = [f'AND(LEN({cell})=3,ISNUMBER(FIND(LEFT({cell}),"{digits}")),ISNUMBER(--{cell}))']
    if letter:
        forms.append(f'AND(LEN({cell})=4,ISNUMBER(FIND(UPPER(LEFT({cell})),"{letter}")),ISNUMBER(--MID({cell},2,3)))')
    return DataValidation("custom", formula1=f"OR({','.join(forms)})")


def _allow(sheet: Worksheet, where: str, rule: DataValidation, message: str) -> None:
    """Put a rule on the column under a heading, or on one cell."""
    column = next((cell.column_letter for cell in sheet[HEADING_ROW] if cell.value == where), "")
    mine = DataValidation(rule.type, rule.formula1, rule.formula2, operator=rule.operator, errorStyle=rule.errorStyle or "stop",
                          allow_blank=True, showErrorMessage=True, errorTitle=sheet.title, error=message)
    mine.add(f"{column}{HEADING_ROW + 1}:{column}{LAST_ROW}" if column else where)
    sheet.add_data_validation(mine)


def _directory(known: Registry) -> list[tuple]:
    """Every alliance with its latest certain code, or its latest doubtful one, by code; a code of digits as a number."""
    rows = []
    for id, name in known.names.items():
        codes = [(known.codes[id, period][1] == "certain", registry.first_year(period), code, period)
                 for period, code in known.known_codes(id).items()]
        certain, _, code, period = max(codes, default=(True, 0, "", ""))
        note = "" if certain else f"代码存疑（{period} 评价期），见 data/registry/codes.csv"
        rows.append((id, name, int(code) if code.isdigit() else code, note if code else "还没有代码"))
    return sorted(rows, key=lambda row: (isinstance(row[2], str), str(row[2])))
