"""The text of a published report -> a draft of `data/published/<period>.csv`: what each printed number counts, read from its sentence.

Whether a number fits the score sheet only moves the confidence, so that an error of reading cannot agree by chance unseen.
Claims in words are left to a person.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

import pandas as pd

from analysis import audit_phrases as phrases
from analysis import registry, sheets
from analysis.audit_phrases import BAND, DATE, LABEL, LIST, NAME, SHARE, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, Report, finding
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, HIGH, INCOMPLETE, LOW
from analysis.problems import DataError, Problem
from analysis.registry import normalise

COLUMNS = ("id", "section", "statement", "printed", "unit", "counts", "of", "needs", "sentence", "page", "instead", "confidence")
TRUSTED = 0.85  # from here on a row is taken as read rightly
SURE, LIKELY, UNREAD, FITS, FAILS = 0.8, 0.7, 0.5, 0.15, -0.3  # how it was read; and what the sheet adds to that
CHINESE = "一二三四五六七八九十"
HEADINGS = [re.compile(form) for form in (rf"([{CHINESE}]+)、(\D{{1,28}})", r"(\d{1,2})[.．](\D{1,28})", r"附件(?:(\d)(?!\d))?[:：]?(.*)")]
WIDTHS = str.maketrans("()；;％０１２３４５６７８９", "（）；；%0123456789")
CONTENTS = re.compile(r".*?[\s.．…·]\s*\d+")
GRADES = {"高": HIGH, "较高": FAIRLY_HIGH, "一般": FAIR, "较差": LOW, "差": LOW}
STEPS = {"^试点联盟": phrases.PILOTS, "网站": "有网站联盟数", "不完整": INCOMPLETE, "较全|较完整|较为完整|参评": phrases.EVALUATED,
         "没有.*填报|未录入": phrases.NOT_ENTERED, "录入": phrases.ENTERED, "合计": phrases.EVERYONE, "三批": phrases.PILOTS,
         "连续": phrases.A_LEVEL}
WHOLES = {"参评联盟": phrases.EVALUATED, "第.批.*总数": phrases.OWN_BATCH, "试点联盟总数": phrases.PILOTS, "联盟总数": phrases.EVERYONE,
          "活跃.*试点": phrases.OWN_GRADE_PILOTS, "活跃": phrases.OWN_GRADE}
BATCHES = {f"第{digit}批": f"第{digit}批" for digit in CHINESE}
DATES = {r"^[至-]\d": "开始日期", "[至-]$": "结束日期", "通知": "通知时间", "启动会": "启动会日期", "复核会": "复核日期", "会评": "会评日期"}
LISTS = {"未纳入": INCOMPLETE, "A级": phrases.A_LEVEL}  # what an annex lists, if not those evaluated
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
NUMBER = rf"(?<![{CHINESE}第])(?P<number>\d+(?:\.\d+)?多?|[{CHINESE}]?十[{CHINESE}]?|[无两{CHINESE}])(?P<unit>{UNIT})(?!级)"
ROW = re.compile(r"\d+\s+\S.*?联盟\s+D?\d{3}(?:\s+\d+)?|\d+ ?家(?:\s+\d+ ?家)+")  # of a table in a PDF, with blanks for tabs
GRADE = "不活跃度?|活跃度?(?:较高|高|一般|较差|差)"
TOKEN = re.compile("|".join([
    r"(?:占|达到)(?P<whole>[^，。；占%（）]*?)(?P<share>\d+(?:\.\d+)?%)", r"(?P<date>\d{4}年\d{1,2}月(?:\d{1,2}日)?)",
    r"(?P<band>\d+分(?:至|~|～|—+|-)\d+分|\d+分以下)", r"(?P<score>\d+分)(?P<side>以上)?", r"(?P<none>无)(?=\S{0,3}网员联盟)", NUMBER,
    rf"(?P<grade>{GRADE}|(?<=[和、与])(?:较高|一般|较差)(?=的?联盟))",
    rf"(?P<batch>第[{CHINESE}]批(?!次)|(?:协发网)?网员联盟|协发网联盟|(?<!批)试点联盟(?=有|共)|A级)",
    r"（(?P<names>[^（）]*?联盟(?:、[^（）]*?联盟)*)）"]))
JOINED = re.compile(r"(的?联盟)?[和、与及]?")
OTHER_THINGS = re.compile("方面|原则|程序|等级|部门|[一二]级|开放|大")  # that are counted, and are no alliances


def looked_up(forms: dict[str, str], *places: str) -> str:
    """What the first form stands for that is found in the first of some places; nothing where none is."""
    return next((what for place in places for form, what in forms.items() if re.search(form, place)), "")


class Sentence(NamedTuple):
    """A sentence of the report, and where it stands."""

    section: str
    text: str
    page: str


def text_of(path: Path) -> list[str]:
    """The pages of a report: of a PDF, or of a text with form feeds between them. Raises DataError."""
    import pypdf

    try:
        if path.suffix.lower() != ".pdf":
            pages = path.read_text("utf-8-sig").split("\f")
        else:
            pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
        return [re.sub(r",(?!\d)", "，", page.translate(WIDTHS)) for page in pages]
    except (UnicodeDecodeError, pypdf.errors.PyPdfError) as error:
        raise DataError([Problem("unreadable", (path.name,), f"is no PDF and no text in UTF-8 that can be read: {error}")]) from None


def sentences(pages: list[str]) -> Iterator[Sentence]:
    """The sentences of the text and the rows of its tables, each in its section; what comes before chapter 一 is left out."""
    chapter, section, text, begun, first = "", "", "", False, ""
    lines = [(str(number) if len(pages) > 1 else "", line) for number, page in enumerate(pages, start=1) for line in page.splitlines()]
    for page, raw in [*lines, ("", "附件")]:
        line = raw.strip(" ")
        line = re.sub(r"\s+(?!家)", "\t", line) if ROW.fullmatch(line) else line
        bare = re.sub(r"\s+", "", line)
        found = next((match for form in HEADINGS if (match := form.fullmatch(bare)) and not re.search("[。；，]", bare)), None)
        begun = begun or bool(found and found[1] == "一" and not CONTENTS.fullmatch(line))
        if begun and (found or "\t" in line):
            yield from (Sentence(section, part, first) for part in re.split("[。；]", text) if part)
            text = ""
        if begun and found:
            chapter = chapter if found.re is HEADINGS[1] else found[1] if found.re is HEADINGS[0] else f"附件{found[1] or ''}"
            section = f"{chapter}、{found[1]} {found[2]}" if found.re is HEADINGS[1] else f"{chapter} {found[2]}"
            first, text = page, f"{found[2]}。"
        elif begun and "\t" in line:
            yield Sentence(section, re.sub(r"[^\S\t]+", "", line), page)
        elif begun:
            section += bare if section.endswith(" ") else ""  # the title of an annex, under its number
            first, text = first if text else page, text + bare


def grade_of(words: str) -> str:
    return LOW if words.startswith("不") else GRADES[re.sub("活跃度?", "", words)]


def counted(unit: str, said: str, batch: str, before: str, after: str, section: str) -> tuple[str, float]:
    """What a number counts that stands between some words, where grades, scores and a batch were said; and how sure that is."""
    step = looked_up(STEPS, before, after.partition("，")[0]) or (INCOMPLETE if "不完整" in after else "")
    if unit == "位":
        return phrases.PANEL, LIKELY
    if unit not in ("家", "个") or OTHER_THINGS.match(after):
        return "", UNREAD
    if step in (phrases.A_LEVEL, phrases.EVERYONE) or (step and said in ("", phrases.PILOTS)):
        return step, LIKELY
    if said == batch and step == phrases.EVALUATED:
        return f"{step} {said}", SURE
    return (f"{phrases.A_LEVEL} {said}" if said == batch and phrases.A_LEVEL in section else said), SURE if said else UNREAD


def rows(sentence: Sentence) -> Iterator[tuple[str, str, str, str, float]]:
    """What a sentence prints: printed, unit, counts, of and how sure the reading is."""
    grades, batch, score, counts, last, number = [], "", "", "", 0, 0
    text = sentence.text
    for match in TOKEN.finditer(text):
        kind, between = match.lastgroup, text[last:match.start()]
        value = match[kind]
        if kind == "grade":
            grade = grade_of(value)
            grades = [*dict.fromkeys([*grades, grade])] if JOINED.fullmatch(between) else [grade]
            if value not in ("活跃度高", "活跃度较高", "活跃度一般", "较高", "一般"):
                yield value, LABEL, grade, "", LIKELY
        elif kind == "batch":
            batch = value if value[0] in "第A" else phrases.PILOTS if value.startswith("试点") else "网员联盟"
        elif kind in ("score", "side"):
            score = match["score"] + ("及以上" if match["side"] else "")
        elif kind == "share":
            whole = looked_up(WHOLES, match["whole"])
            if inner := re.search(NUMBER, match["whole"]):
                yield inner["number"], inner["unit"], looked_up(BATCHES, match["whole"]) or batch, "", SURE
            yield value, SHARE, counts if whole else "", whole, SURE
        elif kind == "date":
            yield value, DATE, looked_up(DATES, text[match.end():][:2], between, text[match.end():]), "", UNREAD
        elif kind == "band" and grades:
            yield value, BAND, grades[-1], "", SURE
        elif kind == "names" and counts:
            yield value.replace("、", "；"), LIST, counts, "", SURE
        elif kind in ("unit", "none"):
            before, number = text[number:match.start()].rpartition("，")[2], match.end()
            after = re.split(r"\d+[家个]", text[number:])[0]
            grades = grades or [grade_of(ahead[0]) for ahead in [re.match(GRADE, after)] if ahead]  # 24家活跃度高的联盟
            own = "网员联盟" if kind == "none" else batch
            said = " ".join(filter(None, ["+".join(grades), score, own]))
            counts, sure = counted(match["unit"] or "家", said, own, before, after, sentence.section)
            if match["unit"] != "年" or not match["number"].isdigit() or int(match["number"]) < 100:  # no year of the calendar
                yield match["number"] or value, match["unit"] or "家", counts, "", sure
        last = match.end()


def rows_of_table(lines: list[Sentence], misspelt: set[str]) -> Iterator[tuple[Sentence, tuple[str, str, str, str, float]]]:
    """What the tables print: counts of activities under their headings, names that the registry has as misspelt, the last number."""
    heads, grade, last = [], "", None
    for line, after in zip(lines, [*lines[1:], None]):
        cells = line.text.split("\t")
        if len([*filter(None, cells)]) == 1:
            found = [*rows(line._replace(text="".join(cells)))]
            grade = next((counts for _, _, counts, *_ in found if counts), grade)
            yield from ((line, row) for row in found)
        elif all(re.fullmatch(r"\d+家", cell) for cell in cells):
            yield from ((line, (cell[:-1], "家", f"{grade} {head}", "", SURE)) for head, cell in zip(heads, cells))
        elif cells[0].isdigit():
            if normalise(cells[1]) in misspelt:
                yield line, (cells[1], NAME, cells[2], "", SURE)
            last = cells[0]
        else:
            heads = cells
        if last and (after is None or after.section != line.section):
            yield line, (last, "号", looked_up(LISTS, line.section) or phrases.EVALUATED, "", SURE)
            last = None


def closures(printed: dict[str, Printed]) -> Iterator[tuple[Printed, str]]:
    """The sums that the counts of one section should keep to, by what they count: a row with the whole, and the terms."""
    pilots = [f"第{digit}批" for digit in "一二三"]
    wholes = [(f"{grade} {phrases.PILOTS}", [f"{grade} {batch}" for batch in pilots]) for grade in (*BEST_FIRST, f"{HIGH}+{FAIRLY_HIGH}")]
    wholes += [(whole.partition(" ")[0], parts) for whole, parts in wholes if whole not in printed]
    for whole, parts in [*wholes, (f"{HIGH}+{FAIRLY_HIGH}", [HIGH, FAIRLY_HIGH]), (phrases.EVALUATED, [*BEST_FIRST])]:
        if whole in printed and all(part in printed for part in parts):
            yield printed[whole], " + ".join(f"[{printed[part].id}]" for part in parts)


def key_of(section: str) -> str:
    """`三、5 活跃度高` -> `3.5`, `附件1 专家组` -> `A1`."""
    chapter, _, number = section.partition(" ")[0].partition("、")
    return chapter.replace("附件", "A") if chapter.startswith("附件") else f"{CHINESE.find(chapter) + 1}{number and '.'}{number}"


def draft(pages: list[str], period: str, data: Path) -> list[dict[str, str]]:
    """The rows of a draft, in printed order, with the columns of COLUMNS. A sheet of the period, if it is sound, moves the confidence."""
    known, read = registry.read(data), [*sentences(pages)]
    misspelt = {normalise(d["alias"]) for found in known.decisions.values() for d in found if d.get("kind") == "misspelt"}
    tables = {id(line): [] for line in read}
    for line, row in rows_of_table([line for line in read if "\t" in line.text], misspelt):
        tables[id(line)].append(row)
    found, numbers, labels = [], Counter(), set()
    for line in read:
        for printed, unit, counts, of, sure in tables[id(line)] if "\t" in line.text else rows(line):
            if unit == LABEL and ((line.section, printed) in labels or known.scheme(period).labels[counts].endswith(printed)):
                continue
            labels |= {(line.section, printed)} if unit == LABEL else set()
            key = key_of(line.section)
            numbers[key] += 1
            statement = f"{counts or '？'}{f'占{of}' if of else ''}"
            place = (line.text.lstrip("=@+-"), line.page)  # which no spreadsheet would run
            found.append((Printed(f"{key}-{numbers[key]:02}", line.section, statement, printed, unit, counts, of, "", *place), sure))
    for section in dict.fromkeys(row.section for row, _ in found):
        here = {row.counts: row for row, _ in reversed(found) if row.section == section and row.unit in UNITS}
        last = max(place for place, (row, _) in enumerate(found) if row.section == section)
        found[last + 1:last + 1] = [(row._replace(id=f"{row.id}{letter}", statement=f"{row.statement}应等于各项之和", counts=terms), LIKELY)
                                    for letter, (row, terms) in zip(ascii_lowercase, closures(here))]
    return _weighed(found, period, data)


def _weighed(found: list[tuple[Printed, float]], period: str, data: Path) -> list[dict[str, str]]:
    """The rows with their confidence: how sure the reading is, and whether the sheet bears it out."""
    try:
        report = Report([row for row, _ in found], sheets.read(period, data))
    except (DataError, OSError):  # there is no sheet to weigh it with
        report = None
    weighed = []
    for row, sure in found:
        verdict = ""
        with contextlib.suppress(UnknownWord):
            if report and row.counts:
                report.compute(row)
                verdict = finding(row, report).verdict
        weight = sure + (FITS if verdict == AGREES else FAILS if verdict in (DIFFERS, OPEN) else 0) if verdict or not report else UNREAD
        weighed.append({column: getattr(row, column, f"{weight:.2f}") for column in COLUMNS})
    return weighed


def written(drafted: list[dict[str, str]]) -> bytes:
    """The draft as a CSV with a BOM."""
    return pd.DataFrame(drafted, columns=COLUMNS).to_csv(index=False).encode("utf-8-sig")
