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
from analysis.registry import Registry
from analysis.grades import BEST_FIRST, INCOMPLETE, TOP_SCORE
from analysis.problems import DataError
from analysis.sheets import A_LEVEL, ABSENT, ACTIVITIES, COUNTS, DATES, EXPERTS, FACTS, NOT_ENTERED, SCORES, TOTALS, Period
from analysis.workbook import letters

DIRECTORY = "联盟名录"
HEADING_ROW = 3
LAST_ROW = 500
TOLD = ("通知时间", "专家来源")  # items of 评价期 that are text
ROLES = ("顾问", "组长", "副组长", "成员")
WIDTHS = {"序号": 6, "联盟名称": 48, "批次": 8, "评分": 8, "等级": 12, "情况": 14, "项目": 30, "数值": 16, "单位": 8, "说明": 60,
          "职务": 10, "姓名": 12, "单位及职务": 60, "编号": 8, "联盟数": 8}
NARROWEST = 10
EXPLANATIONS = {
    SCORES: "每个参评联盟一行。名称和批次代码从“联盟名录”整行复制。评分为 0 至 100；不公布评分时留空，并在“等级”中选择等级。"
            "等级可以不填；填了就会与评分核对。可以增加其他列，程序不读。",
    FACTS: "开始日期和结束日期必填，且不能与其他评价期重叠；其余各项有则填写，没有则留空，报告会注明未公布。",
    ABSENT: "没有参评但知道名称的联盟，每个一行。已在“评分表”中的联盟不能再列在这里。没有就留空。",
    ACTIVITIES: "各等级中开展了某项活动的联盟数。“联盟数”是该等级的联盟总数，会与“评分表”核对。没有统计就整行留空。",
    TOTALS: "全部参评联盟的活动总量。项目和单位可以改、可以增加；没有数值的项目不进入报告。",
    A_LEVEL: "连续三个评价期活跃度高的联盟，每个一行。没有就留空。",
    EXPERTS: "每位专家一行；一人有两个职务时用“；”隔开。没有就留空。",
    DIRECTORY: "已登记的联盟及其最近一期的代码，供复制，程序不读。这里没有的联盟，要先在 data/registry/alliances.csv 中加一行。",
}
ABOUT = {
    sheets.START: "必填，如 2022-01-01", sheets.END: "必填，如 2022-12-31",
    "通知时间": "文字，如 2023年1月；有日期就写日期", "专家来源": "文字，接在“评价专家组共若干人”之后，如：成员来自各联盟秘书处",
    "启动会日期": "日期", "会评日期": "日期", "复核日期": "日期",
    sheets.REGISTERED: "各批次批准的联盟总数", sheets.ENTERED: "在系统中录入信息的联盟数",
    sheets.INCOMPLETE_TOTAL: "录入但信息不完整的联盟数", sheets.EVALUATED_TOTAL: "应等于评分表中的联盟数",
    "专家人数": "评价专家人数", "有网站联盟数": "参评联盟中有网站的联盟数",
}


def write(period: str, data: Path) -> Path:
    """Write the workbook of a period where it belongs. Raises FileExistsError if something is there already."""
    path = sheets.path_of(period, data)
    content = io.BytesIO()
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


def _workbook(period: str, registry: Registry, earlier: list[Period]) -> Workbook:
    book = Workbook()
    book.remove(book.active)
    labels = [registry.scheme(period).labels[grade] for grade in BEST_FIRST]
    activities = next((list(counts) for p in earlier for counts in p.activities.values()), ["联盟数"])
    totals = next((p.totals for p in earlier if p.totals), {})

    scores = _sheet(book, SCORES, period, ("序号", "联盟名称", "批次", "评分", "等级"))
    _allow(scores, "评分", DataValidation("decimal", operator="between", formula1="0", formula2=str(TOP_SCORE)),
           "评分是 0 至 100 的数；不公布时留空，并选择等级")
    _allow(scores, "等级", _list(labels), f"等级是{'、'.join(labels)}之一")

    items = (*DATES, *TOLD, *COUNTS)
    facts = _sheet(book, FACTS, period, ("项目", "数值", "说明"), [(item, None, ABOUT[item]) for item in items])
    for row, item in enumerate(items, start=HEADING_ROW + 1):
        if item in TOLD:
            continue
        rule = DataValidation("date", operator="greaterThan", formula1="36526") if item in DATES else DataValidation(
            "whole", operator="greaterThanOrEqual", formula1="0")
        _allow(facts, f"B{row}", rule, f"{item}是{'日期，如 2022-01-31' if item in DATES else '整数'}")
        facts[f"B{row}"].number_format = "yyyy-mm-dd" if item in DATES else "General"
        if item in (sheets.START, sheets.END):
            facts[f"A{row}"].font = Font(bold=True)

    absent = _sheet(book, ABSENT, period, ("序号", "联盟名称", "批次", "情况"))
    _allow(absent, "情况", _list([INCOMPLETE, NOT_ENTERED]), f"情况是{INCOMPLETE}或{NOT_ENTERED}")
    _sheet(book, ACTIVITIES, period, ("等级", *activities), [(label,) for label in labels])
    for heading in activities:
        _allow(book[ACTIVITIES], heading, DataValidation("whole", operator="greaterThanOrEqual", formula1="0"), "联盟数是整数")
    _sheet(book, TOTALS, period, ("项目", "数值", "单位"), [(item, None, unit) for item, (_, unit) in totals.items()])
    _allow(book[TOTALS], "数值", DataValidation("decimal", operator="greaterThanOrEqual", formula1="0"), "数值是数")
    a_level = _sheet(book, A_LEVEL, period, ("序号", "联盟名称", "批次"))
    experts = _sheet(book, EXPERTS, period, ("职务", "姓名", "单位及职务"))
    _allow(experts, "职务", _list(ROLES), f"职务一般是{'、'.join(ROLES)}之一", style="warning")
    for sheet in (scores, absent, a_level):
        _allow(sheet, "批次", _code_rule(registry, period), "批次代码是三位数字，或 D 加三位数字")

    _sheet(book, DIRECTORY, period, ("编号", "联盟名称", "批次", "说明"), _directory(registry))
    book.properties.creator = "alliance-evaluation"
    book.properties.created = book.properties.modified = dt.datetime(registry.first_year(period), 1, 1)
    return book


def _sheet(book: Workbook, name: str, period: str, headings: tuple[str, ...], rows: list[tuple] = ()) -> Worksheet:
    """A sheet with a title, an explanation, the headings, and the rows that are known; it scrolls under the headings."""
    sheet = book.create_sheet(name)
    sheet.append([f"{name}（{period} 评价期）"])
    sheet.append([EXPLANATIONS[name]])
    sheet.append(headings)
    for row in rows:
        sheet.append(row)
    sheet["A1"].font = Font(bold=True, size=14)
    widths = [WIDTHS.get(heading, max(NARROWEST, 2 * len(heading))) for heading in headings]
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[letters(column)].width = width
        cell = sheet.cell(HEADING_ROW, column)
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", start_color="D5E6F7")
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.merge_cells(start_row=2, end_row=2, start_column=1, end_column=len(headings))
    sheet["A2"].alignment = Alignment(wrap_text=True, vertical="top")
    sheet.row_dimensions[2].height = 15 * (2 * len(EXPLANATIONS[name]) // sum(widths) + 1) + 3
    sheet.freeze_panes = f"A{HEADING_ROW + 1}"
    return sheet


def _list(words: list[str] | tuple[str, ...]) -> DataValidation:
    return DataValidation("list", formula1=f'"{",".join(words)}"')


def _code_rule(registry: Registry, period: str) -> DataValidation:
    """What a code may be, as a formula for the first cell under the headings; Excel moves it down with the cells."""
    cell = f"C{HEADING_ROW + 1}"
    keys = [batch.key for batch in registry.batches_in(period)]
    digits, letter = "".join(k for k in keys if k.isdigit()), "".join(k for k in keys if not k.isdigit())
    forms = [f'AND(LEN({cell})=3,ISNUMBER(FIND(LEFT({cell}),"{digits}")),ISNUMBER(--{cell}))']
    if letter:
        forms.append(f'AND(LEN({cell})=4,ISNUMBER(FIND(UPPER(LEFT({cell})),"{letter}")),ISNUMBER(--MID({cell},2,3)))')
    return DataValidation("custom", formula1=f"OR({','.join(forms)})")


def _allow(sheet: Worksheet, where: str, rule: DataValidation, message: str, style: str = "stop") -> None:
    """Put a rule on the column under a heading, or on one cell."""
    columns = [cell.column_letter for cell in sheet[HEADING_ROW] if cell.value == where]
    rule.allow_blank = rule.showErrorMessage = True
    rule.errorStyle, rule.errorTitle, rule.error = style, sheet.title, message
    rule.add(f"{columns[0]}{HEADING_ROW + 1}:{columns[0]}{LAST_ROW}" if columns else where)
    sheet.add_data_validation(rule)


def _directory(registry: Registry) -> list[tuple]:
    """Every alliance with its latest certain code, or its latest doubtful one, by code; a code of digits as a number."""
    rows = []
    for id, name in registry.names.items():
        known = [(status == "certain", registry.first_year(period), code, period)
                 for (owner, period), (code, status) in registry.codes.items() if owner == id]
        certain, _, code, period = max(known, default=(True, 0, "", ""))
        note = "" if certain else f"代码存疑（{period} 评价期），见 data/registry/codes.csv"
        rows.append((id, name, int(code) if code.isdigit() else code, note if code else "还没有代码"))
    return sorted(rows, key=lambda row: (isinstance(row[2], str), str(row[2])))
