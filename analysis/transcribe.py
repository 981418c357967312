"""The text of a published report -> a draft of `data/published/<period>.csv`: what each printed number counts, read from its sentence.

Whether a number fits the score sheet only moves the confidence, so that an error of reading cannot agree by chance unseen.
Claims in words are left to a person.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis import audit_phrases as phrases
from analysis import registry, sheets
from analysis.audit_phrases import BAND, DATE, LABEL, LIST, NAME, PLACE, SHARE, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, Report, finding
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, HIGH, INCOMPLETE, LOW, NOT_EVALUATED
from analysis.messages import Said
from analysis.problems import DataError, Problem

COLUMNS = (*Printed._fields[:-1], "confidence")
TRUSTED = 0.85  # from here on a row is taken as read rightly
SURE, LIKELY, UNREAD, FITTING = 0.8, 0.7, 0.5, {AGREES: 0.15, DIFFERS: -0.3, OPEN: -0.3}  # how it was read; what the sheet adds
CHINESE, CONTENTS, COVER, NEAR = "一二三四五六七八九十", "目录", "封面", 24  # so many characters before a number say what it counts
CHAPTER, NUMBERED = re.compile(rf"([{CHINESE}]+)、(\D{{1,28}})"), re.compile(r"(\d{1,2})[.．](\D{1,28})")
ANNEX = re.compile(r"附件(?:(\d)(?!\d))?：?(.*)")
WIDTHS = str.maketrans("():;％０１２３４５６７８９", "（）：；%0123456789")
BEFORE_TITLE = re.compile(r"(附件\s*\d?\s*[：:]?)\s*\n")
OF_CHART = re.compile(rf"^(?:(?!\s*(?:\d+[.．]\s*\D|[{CHINESE}]+、|附件))[^。；\n]*\n)+(?=图 ?\d+ )", re.M)
TO_PAGE = re.compile(r"[\s.．…·]+\d+$")  # the end of a line of the contents
ROWS = re.compile(r"\d+\s+\S.*?联盟\s+D?\d{3}(?:\s+\d+)?|\d+ ?家(?:\s+\d+ ?家){2,}")  # of tables, with blanks for tabs
GRADES = {"高": HIGH, "较高": FAIRLY_HIGH, "一般": FAIR, "较差": LOW, "差": LOW, "不": LOW}
GRADE = re.compile("不活跃度?|活跃度?(?:较高|高|一般|较差|差)|(?<=[和、与])(?:较高|一般|较差)(?=的?联盟|的?共)")
BATCH = re.compile(rf"第[{CHINESE}]批(?!次)|(?:协发网)?网员联盟|协发网联盟|(?<!批)试点联盟(?=有|共)|A级")
SCORE = re.compile(r"(?<![至~～—\d-])(\d+分|满分)(?![至~～—-]|以下)(及?以上)?")
JOINED = re.compile(r"(的?(试点)?联盟)?[和、与及]?")
STEPS = {"^试点联盟": phrases.PILOTS, "网站": "有网站联盟数", "不完整": INCOMPLETE, "未参评": NOT_EVALUATED,
         "较全|较完整|较为完整|较为完善|参评|纳入评价": phrases.EVALUATED, "没有.*填报|没有录入|未录入": phrases.NOT_ENTERED,
         "录入": phrases.ENTERED, "(?<!档)合计": phrases.EVERYONE, f"[两{CHINESE}]批": phrases.PILOTS, "连续": phrases.A_LEVEL}
WHOLES = {"[该本]批.*参评": phrases.OWN_BATCH_EVALUATED, "参评联盟": phrases.EVALUATED, "(第.|[该本])批.*总数": phrases.OWN_BATCH,
          "试点联盟总数": phrases.PILOTS, "联盟总数": phrases.EVERYONE, "活跃.*试点": phrases.OWN_GRADE_PILOTS, "活跃": phrases.OWN_GRADE}
DATES = {r"^[至-]\d": "开始日期", "[至-]$": "结束日期", "通知": "通知时间", "启动会": "启动会日期", "复核会": "复核日期", "会评": "会评日期"}
LISTS = {"未纳入": INCOMPLETE, "A级": phrases.A_LEVEL}  # what an annex lists, if not those evaluated
TOKEN = re.compile("|".join([
    r"(?P<share>\d+(?:\.\d+)?%)", r"(?P<date>\d{4}年\d{1,2}月(?:\d{1,2}日)?)", r"(?P<band>\d+分?(?:至|~|～|—+|-)\d+分|\d+分以下)",
    r"（(?P<names>[^（）]*?联盟(?:、[^（）]*?联盟)*)）",
    rf"(?<![{CHINESE}第])(?P<number>\d+(?:\.\d+)?多?|[{CHINESE}]?十[{CHINESE}]?|[无两{CHINESE}])"
    rf"(?P<unit>{'|'.join(sorted(UNITS, key=len, reverse=True))}|大(?=\w\w)|(?=方面))(?!级|数|月)"]))
WHOLE = re.compile("(?:占|达到)([^，。；占%（）]*)$")
OTHER_THINGS = re.compile("方面|原则|程序|等级|部门|评价期|[一二]级|开放|大|步|月")  # that are counted, and are no alliances



def looked_up(forms: dict[str, str], *places: str) -> str:
    """What the first form stands for that is found in the first of some places; nothing where none is."""
    return next((what for place in places for form, what in forms.items() if re.search(form, place)), "")


class Sentence(NamedTuple):
    """A sentence of the report or a row of a table, and its section with key and printed heading."""

    key: str
    section: str
    title: str
    text: str
    page: str


class Read(NamedTuple):
    """What a sentence prints, and how sure the reading is."""

    printed: str
    unit: str
    counts: str = ""
    of: str = ""
    sure: float = SURE


def text_of(path: Path) -> list[str]:
    """The pages of a report: of a PDF, or of a text with form feeds between them. Raises DataError."""
    import pypdf

    try:
        is_pdf = path.suffix.lower() == ".pdf"
        pages = [page.extract_text() for page in pypdf.PdfReader(path).pages] if is_pdf else path.read_text("utf-8-sig").split("\f")
        return [re.sub(r",(?!\d)", "，", page.translate(WIDTHS)).replace("家/次", "家次") for page in pages]
    except (UnicodeDecodeError, pypdf.errors.PyPdfError) as error:
        raise DataError([Problem.of(Said("published.text", reason=str(error)), path.name)]) from None


def bare(text: str) -> str:
    return re.sub(r"[^\S\t]+", "", text)


def prose(pages: list[str]) -> list[tuple[str, str]]:
    """The lines with their page, without running heads and feet, and without what a chart has above its caption; rows have tabs."""
    texts = [BEFORE_TITLE.sub(r"\1", page) for page in pages]
    split = [[line.strip() for line in (OF_CHART.sub("", text) if len(pages) > 1 else text).splitlines() if line.strip()] for text in texts]
    starts = [[re.sub(r"\d|\s", "", line)[:NEAR // 2] for line in lines] for lines in split]
    ends = Counter(start for each in starts for start in {*each[:1], *each[-1:]})
    return [(str(page) if len(pages) > 1 else "", re.sub(r"\s+(?!家)", "\t", line) if ROWS.fullmatch(line) else line)
            for page, (lines, each) in enumerate(zip(split, starts), start=1) for place, (line, start) in enumerate(zip(lines, each))
            if place not in (0, len(lines) - 1) or ends[start] <= max(1, len(pages) // 3)]


def placed(lines: Iterable[tuple[str, str]]) -> Iterator[Sentence]:
    """The lines in their sections; a heading is a sentence too."""
    chapter, here = "", ("", "", "")
    for page, line in ((page, bare(line)) for page, line in lines):
        forms = () if re.search("[。；，]", line) else (ANNEX,) if chapter.startswith("附件") else (ANNEX, CHAPTER, NUMBERED)
        if found := next(filter(None, (form.fullmatch(line) for form in forms)), None):
            number, title = found[1] or "", found[2]
            chapter = {ANNEX: f"附件{number}", CHAPTER: number, NUMBERED: chapter}[found.re]
            key = str(CHINESE.find(chapter) + 1)
            here = {ANNEX: (f"A{number}", f"{chapter} {title}", f"{chapter}：{title}"),
                    CHAPTER: (key, f"{chapter} {title}", f"{chapter}、{title}"),
                    NUMBERED: (f"{key}.{number}", f"{chapter}、{number} {title}", f"{number}.{title}")}[found.re]
        yield Sentence(*here, f"{found[2]}。" if found else line, page)


def sentences(pages: list[str]) -> Iterator[Sentence]:
    """Dates of the cover, headings in the contents, then the sentences of the text and the rows of its tables, each in its section."""
    lines = prose(pages)
    start = next((n for n, (_, line) in enumerate(lines) if CHAPTER.fullmatch(bare(line)) and line[0] == "一"), 0)
    for page, line in lines[:start]:
        if re.fullmatch(r"\d{4}年\d+月(\d+日)?", bare(line)):
            yield Sentence("", COVER, "", bare(line), page)
    contents = placed((page, TO_PAGE.sub("", line)) for page, line in lines[:start] if TO_PAGE.search(line))
    yield from (line._replace(section=CONTENTS, text=line.title) for line in {line.section: line for line in contents}.values() if line.section)
    for (_, is_row), group in groupby(placed(lines[start:]), key=lambda line: (line.section, "\t" in line.text)):
        together = [*group]
        if is_row:
            yield from together
        else:
            pieces = re.split("[。；]", "".join(line.text for line in together))
            yield from (together[0]._replace(text=piece) for piece in pieces if piece)


def last_said(form: re.Pattern, text: str) -> list[str]:
    """The last words of a kind in a text: 第一批 and 第二批 of 第一批和第二批."""
    found = [*form.finditer(text)]
    apart = [place for place in range(1, len(found)) if not JOINED.fullmatch(text[found[place - 1].end():found[place].start()])]
    return [match[0] for match in found[max(apart, default=0):]]


def grades_of(words: list[str]) -> list[str]:
    """The grades that some words mean."""
    return [*dict.fromkeys(GRADES[re.sub("活跃度?", "", word)] for word in words)]


def batches_of(words: list[str]) -> list[str]:
    """The batches that some words mean."""
    return [word if word[0] in "第A" else phrases.PILOTS if word.startswith("试点") else "网员联盟" for word in words]


def item_of(unit: str, items: dict[str, str], *places: str) -> str:
    """The longest item with the unit whose characters stand in the first of some places, in order: 自设项目数 in 自设的自主创新项目."""
    for words in places:
        told = [item for item in items if items[item] == unit and re.search(".*".join(re.sub("[和与（）]|数$", "", item)), words)]
        if told:
            return max(told, key=len)
    return ""


def numbered(match: re.Match, last: int, said: str, batch: str, line: Sentence, items: dict[str, str]) -> Read | None:
    """What a number is read as whose own words begin at `last`, where some words and a batch were said; None for no count."""
    before, own, after = line.text[:match.start()], line.text[last:match.start()], line.text[match.end():]
    printed, unit = match["number"], match["unit"]
    if unit in ("大", "") or re.fullmatch(r"\d{4}年", match[0]):
        return None
    step = looked_up(STEPS, own.rpartition("，")[2], after.partition("，")[0])
    if unit == "位" and "专家" in own + after:
        step = phrases.PANEL
    elif unit not in ("家", "个") or OTHER_THINGS.match(after):
        step = said = ""
    elif said == batch and step in (phrases.EVALUATED, NOT_EVALUATED):
        said = f"{step} {said}".strip()
    elif said == batch and phrases.A_LEVEL in line.section and step != phrases.A_LEVEL:
        said = f"{phrases.A_LEVEL} {said}"
    if step in (phrases.A_LEVEL, phrases.EVERYONE, phrases.PANEL) or (step and said in ("", step, phrases.PILOTS)):
        return Read(printed, unit, step, "", LIKELY)
    item = "" if said else item_of(unit, items, own[-NEAR:], before[-NEAR:])
    return Read(printed, unit, said or item, "", SURE if said else LIKELY if item else UNREAD)


def rows(line: Sentence, items: dict[str, str]) -> Iterator[Read]:
    """What a sentence prints; `items` are those of the sheet that have a number of their own, with its unit."""
    queue, counts, earlier, last = [], "", "", 0
    for match in TOKEN.finditer(line.text):
        kind, before, after = match.lastgroup, line.text[:match.start()], line.text[match.end():]
        value, of = match[kind], WHOLE.search(before)
        heard = re.sub("（[^（）]*）", "", before)
        grades, batches = grades_of(last_said(GRADE, heard)), batches_of(last_said(BATCH, heard))
        if kind == "share":
            whole = looked_up(WHOLES, of[1]) if of and of[1] else earlier
            yield Read(value, SHARE, counts if whole else "", whole, SURE if of and of[1] else LIKELY)
        elif kind == "date":
            yield Read(value, DATE, looked_up(DATES, after[:2], before[last:], after), "", UNREAD)
        elif kind == "band" and grades:
            yield Read(value, BAND, grades[-1])
        elif kind == "names" and counts:
            yield Read(value.replace("、", "；"), LIST, counts)
        elif kind == "unit" and of:
            yield Read(match["number"], value, "+".join(batches_of(last_said(BATCH, of[1]))))
        elif kind == "unit":
            ahead = re.match(rf"(?:联盟)?(被?评为|是)?({GRADE.pattern})", after)  # 24家活跃度高的联盟, 24家被评为活跃度高
            grades = grades_of([ahead[2]]) if ahead and (ahead[1] or not grades) else grades
            if re.search("(分别|各)[^，]{0,4}$", before[last:]):  # the numbers that follow are of one each
                queue = [(grades, [batch]) for batch in batches] if len(batches) > 1 else [([grade], batches) for grade in grades]
            elif not JOINED.fullmatch(before[last:]):
                queue = []
            grades, batches = queue.pop(0) if queue else (grades, batches)
            scores = ["".join(score).replace("满分", "100分").replace("分以上", "分及以上") for score in SCORE.findall(before)[-1:]]
            said = " ".join(filter(None, ["+".join(grades), *scores, "+".join(batches)]))
            found = numbered(match, last, said, "+".join(batches), line, items)
            earlier, counts = counts, found.counts if found else ""
            last = match.end()
            yield from [found] if found else []


def wordings(sentence: Sentence, known: registry.Registry, period: str) -> Iterator[Read]:
    """Names in the text that the registry has as misspelt or short, and odd words for a grade."""
    text = sentence.text
    for word in GRADE.findall(text):
        if word not in (*BEST_FIRST[:3], "较高", "一般"):
            yield Read(word, LABEL, grades_of([word])[0], "", LIKELY)
    for name in sorted([*known.names.values(), *known.aliases], key=len, reverse=True):
        plain, id = bare(name).translate(WIDTHS), known.id_of(name)
        odd = any(d.get("alias") == name and d["kind"] != "renamed" for d in known.decisions.get(id, ()))
        if plain in text and odd and (code := known.own_codes.get(id, {}).get(period)):
            yield Read(plain, NAME, code)
        text = text.replace(plain, "，")


def row_of_table(line: Sentence, grade: str, heads: list[str], known: registry.Registry, period: str) -> Iterator[Read]:
    """What a row of a table prints: counts of activities, names that the registry has as misspelt."""
    cells = line.text.split("\t")
    if len(cells) == len(heads) and all(re.fullmatch(r"\d+家", cell) for cell in cells) and grade:
        yield from (Read(cell[:-1], "家", f"{grade} {head}") for head, cell in zip(heads, cells))
    elif cells[0].isdigit() and len(cells) > 2:
        yield from wordings(line, known, period)


def read_all(lines: list[Sentence], known: registry.Registry, period: str, sheet: sheets.Period | None) -> Iterator[tuple[Sentence, Read]]:
    """Everything that the lines of a report print, in order."""
    there = {line.key: line.title for line in lines if line.section not in (COVER, CONTENTS)}
    items = {item: unit for item, (_, unit) in sheet.totals.items()} if sheet else {}
    activities = [name for name in next(iter(sheet.activities.values()), ()) if name != phrases.EACH] if sheet else []
    grade, above = "", []
    for section, group in groupby(lines, key=lambda line: line.section):
        here, last = [*group], ""
        for line in here:
            cells = line.text.split("\t")
            if section == COVER:
                found = [Read(line.text, DATE, "", "", UNREAD)]
            elif section == CONTENTS:  # beside the heading that it points to; one annex may have no number there
                found = [Read(line.text, PLACE, there.get(line.key) or there.get(line.key.rstrip("123456789"), ""), "", TRUSTED)]
            elif len(cells) > 1:
                found = row_of_table(line, grade, above if len(above) == len(cells) else activities, known, period)
                above, last = cells, cells[0] if cells[0].isdigit() and len(cells) > 2 else last
            else:
                found = [*rows(line, items), *wordings(line, known, period)]
                grade = (["", *grades_of(GRADE.findall(line.text))])[-1] or grade
            yield from ((line, read) for read in found)
        if last:
            yield line, Read(last, "号", looked_up(LISTS, section) or phrases.EVALUATED)


def closures(here: dict[str, Printed], batches: list[registry.Batch]) -> Iterator[tuple[Printed, str]]:
    """The sums that the counts of one section should keep to, by what they count: a row with the whole, and the terms."""
    pilots, everyone = ([batch.short for batch in batches if batch.is_pilot or of_all] for of_all in (False, True))
    sums = [(f"{HIGH}+{FAIRLY_HIGH}", [HIGH, FAIRLY_HIGH]), (phrases.EVALUATED, [*BEST_FIRST]),
            (phrases.EVERYONE, [phrases.PILOTS, *everyone[len(pilots):]])]
    for counts in here:
        if " + " in counts:
            sums.append((counts, counts.split(" + ")))
        elif counts.endswith(phrases.PILOTS):
            sums.append((counts, [counts.replace(phrases.PILOTS, batch) for batch in pilots]))
        else:
            sums.append((counts, [f"{counts} {batch}" for batch in everyone]))
    for whole, parts in sums:
        if whole in here and {*parts} <= here.keys():
            yield here[whole], " + ".join(f"[{here[part].id}]" for part in parts)


def draft(pages: list[str], period: str, data: Path) -> list[dict[str, str]]:
    """The rows of a draft, in printed order, with the columns of COLUMNS. A sheet of the period, if it is sound, moves the confidence."""
    known, numbers, sheet = registry.read(data), Counter(), None
    with contextlib.suppress(DataError, OSError):  # then there is no sheet to weigh it with
        sheet = sheets.read(period, data)
    labels, found, seen = known.scheme(period).labels, {}, set()

    def add(key: str, row: Printed, sure: float) -> None:
        numbers[key] += 1
        found.setdefault(row.section, []).append((row._replace(id=f"{key}-{numbers[key]:02}"), sure))

    for line, read in read_all([*sentences(pages)], known, period, sheet):
        usual = read.unit == LABEL and labels[read.counts].endswith(read.printed)
        if not usual and (line.section, read.printed, read.unit in (LABEL, NAME)) not in seen:
            seen |= {(line.section, read.printed, True)} if read.unit in (LABEL, NAME) else set()
            statement = f"{read.counts or '？'}{'占' * (read.of != '')}{read.of}"
            sentence = line.text.lstrip("=@+-")  # that no spreadsheet would run
            add("0" if line.section in (COVER, CONTENTS) else line.key,
                Printed("", line.section, statement, *read[:4], sentence=sentence, page=line.page), read.sure)
    for here in found.values():
        counted = {row.counts: row for row, _ in reversed(here) if row.unit in UNITS}
        for whole, terms in closures(counted, known.batches_in(period)):
            add(whole.id.rpartition("-")[0], whole._replace(
                statement=f"{whole.statement}应等于各项之和", unit=whole.unit.replace("号", "家"), counts=terms, of=""), LIKELY)
    rows = [*chain(*found.values())]
    report = sheet and Report([row for row, _ in rows], sheet)
    return [dict(zip(COLUMNS, (*row[:-1], f"{sure + fitting(row, sure, report):.2f}"))) for row, sure in rows]


def fitting(row: Printed, sure: float, report: Report | None) -> float:
    """How much surer or less sure the sheet makes a reading."""
    if not report or row.unit == PLACE:
        return 0
    with contextlib.suppress(UnknownWord):
        report.compute(row)
        return FITTING.get(finding(row, report).verdict, 0) if row.counts else UNREAD - sure
    return UNREAD - sure


def written(drafted: list[dict[str, str]]) -> bytes:
    """As a CSV with a BOM."""
    return pd.DataFrame(drafted, columns=COLUMNS).to_csv(index=False).encode("utf-8-sig")
