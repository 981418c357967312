"""The text of a published report -> a draft of `data/published/<period>.csv`: what each printed number counts, read from its sentence.

Whether a number fits the score sheet only moves the confidence, so that an error of reading cannot agree by chance unseen.
Claims in words are left to a person.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, groupby, takewhile
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from analysis import audit_phrases as phrases
from analysis import registry, sheets
from analysis.audit_phrases import BAND, CODE, DATE, LABEL, LIST, NAME, PLACE, SHARE, UNITS, Printed, UnknownWord
from analysis.audit_verdicts import AGREES, DIFFERS, OPEN, Report, finding
from analysis.grades import BEST_FIRST, FAIR, FAIRLY_HIGH, HIGH, INCOMPLETE, LOW, NOT_EVALUATED
from analysis.messages import Said
from analysis.problems import DataError, Problem

COLUMNS = (*Printed._fields[:-1], "confidence")
TRUSTED = 0.85  # from here on a row is taken as read rightly
SURE, LIKELY, UNREAD, FITTING = 0.8, 0.7, 0.5, {AGREES: 0.15, DIFFERS: -0.3, OPEN: -0.3}  # how it was read; what the sheet adds
CHINESE, CONTENTS, COVER, NEAR = "一二三四五六七八九十", "目录", "封面", 24  # so many characters before a number say what it counts
HEADINGS = [re.compile(form) for form in (rf"([{CHINESE}]+)、(\D{{1,28}})", r"(\d{1,2})[.．](\D{1,28})", r"附件(?:(\d)(?!\d))?：?(.*)")]
WIDTHS = str.maketrans("():;％０１２３４５６７８９", "（）：；%0123456789")
TO_PAGE = re.compile(r"[\s.．…·]+\d+$")  # the end of a line of the contents
GRADES = {"高": HIGH, "较高": FAIRLY_HIGH, "一般": FAIR, "较差": LOW, "差": LOW}
HALVES = {"前两档": [HIGH, FAIRLY_HIGH], "后两档": [FAIR, LOW], "其余两档": [FAIR, LOW]}
STEPS = {"^试点联盟": phrases.PILOTS, "网站": "有网站联盟数", "不完整": INCOMPLETE, "未参评": NOT_EVALUATED,
         "较全|较完整|较为完整|较为完善|参评|纳入评价": phrases.EVALUATED, "没有.*填报|没有录入|未录入": phrases.NOT_ENTERED,
         "录入": phrases.ENTERED, "(?<!档)合计": phrases.EVERYONE, f"[两{CHINESE}]批": phrases.PILOTS, "连续": phrases.A_LEVEL}
WHOLES = {"[该本]批.*参评": phrases.OWN_BATCH_EVALUATED, "参评联盟": phrases.EVALUATED, "(第.|[该本])批.*总数": phrases.OWN_BATCH,
          "试点联盟总数": phrases.PILOTS, "联盟总数": phrases.EVERYONE, "活跃.*试点": phrases.OWN_GRADE_PILOTS, "活跃": phrases.OWN_GRADE}
DATES = {r"^[至-]\d": "开始日期", "[至-]$": "结束日期", "通知": "通知时间", "启动会": "启动会日期", "复核会": "复核日期", "会评": "会评日期"}
LISTS = {"未纳入": INCOMPLETE, "A级": phrases.A_LEVEL}  # what an annex lists, if not those evaluated
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
NUMBER = (rf"(?<![{CHINESE}第])(?P<number>\d+(?:\.\d+)?多?|[{CHINESE}]?十[{CHINESE}]?|[无两{CHINESE}])"
          rf"(?P<unit>{UNIT}|大(?=\w\w)|(?=方面))(?!级|数|月)")
ROWS = (re.compile(r"\d+\s+\S.*?联盟\s+D?\d{3}(?:\s+\d+)?"), re.compile(r"\d+ ?家(?:\s+\d+ ?家){2,}"),  # of tables, with blanks for tabs
        re.compile(r"[^\d\s，。]{4,}(?:\s+\d+){2,}"))
CAPTION, PROSE = re.compile(r"图 ?\d+ "), re.compile("[。；：]$|共")
GRADE = "不活跃度?|活跃度?(?:较高|高|一般|较差|差)"
TOKEN = re.compile("|".join([
    r"(?:占|达到)(?P<whole>[^，。；占%（）]*?)(?P<share>\d+(?:\.\d+)?%)", r"(?P<date>\d{4}年\d{1,2}月(?:\d{1,2}日)?)",
    r"(?P<band>\d+分?(?:至|~|～|—+|-)\d+分|\d+分以下)", r"(?P<score>\d+分|满分)(?P<side>及?以上)?", r"(?P<none>无)(?=\S{0,3}网员联盟)",
    NUMBER, rf"(?P<grade>{GRADE}|(?<=[和、与])(?:较高|一般|较差)(?=的?联盟|的?共))", f"(?P<half>{'|'.join(HALVES)})",
    rf"(?P<batch>第[{CHINESE}]批(?!次)|(?:协发网)?网员联盟|协发网联盟|(?<!批)试点联盟(?=有|共)|A级)",
    r"（(?P<names>[^（）]*?联盟(?:、[^（）]*?联盟)*)）"]))
JOINED = re.compile(r"(的?(试点)?联盟)?[和、与及]?")
OTHER_THINGS = re.compile("方面|原则|程序|等级|部门|评价期|[一二]级|开放|大|步|月")  # that are counted, and are no alliances
MARK = re.compile(r"[-•]?(?:[①-⑳]|（\d）|(?<!\d)\d[.、．](?!\d))")


def looked_up(forms: dict[str, str], *places: str) -> str:
    """What the first form stands for that is found in the first of some places; nothing where none is."""
    return next((what for place in places for form, what in forms.items() if re.search(form, place)), "")


class Sentence(NamedTuple):
    """A sentence of the report, where it stands, and what follows it in its section."""

    section: str
    text: str
    page: str
    after: tuple[str, ...] = ()


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
    return re.sub(r"\s+", "", text)


def prose(pages: list[str]) -> list[tuple[str, str]]:
    """The lines with their page, without running heads and feet, and without what a chart has above its caption."""
    kept, split = [], [[line.strip(" ") for line in page.splitlines() if line.strip()] for page in pages]
    starts = [[re.sub(r"\d|\s", "", line)[:NEAR // 2] for line in lines] for lines in split]
    ends = Counter(start for each in starts for start in {*each[:1], *each[-1:]})
    for number, (lines, own) in enumerate(zip(split, starts), start=1):
        for place, (line, start) in enumerate(zip(lines, own)):
            if place in (0, len(lines) - 1) and ends[start] > max(1, len(pages) // 3):
                continue
            while len(pages) > 1 and CAPTION.match(line) and kept and not (
                    PROSE.search(kept[-1][1]) or heading(kept[-1][1]) or row_of(kept[-1][1])):
                kept.pop()
            kept.append((str(number) if len(pages) > 1 else "", line))
    return kept


def row_of(line: str) -> str:
    """A row of a table, with tabs between its cells; nothing where it is none."""
    known = "\t" in line or any(form.fullmatch(line) for form in ROWS)
    return re.sub(r"[^\S\t]+", "", line if "\t" in line else "\t".join(re.split(r"\s+(?!家)", line))) if known else ""


def heading(line: str) -> re.Match | None:
    """The number and the title of a heading."""
    return next((match for form in HEADINGS if (match := form.fullmatch(bare(line))) and not re.search("[。；，]", line)), None)


def sentences(pages: list[str]) -> Iterator[Sentence]:
    """Dates of the cover, headings in the contents, then the sentences of the text and the rows of its tables, each in its section."""
    chapter, section, text, first, ahead = "", "", "", "", True
    for page, line in [*prose(pages), ("", "附件")]:
        contents, row = bool(ahead and TO_PAGE.search(line)), row_of(line)
        found = heading(TO_PAGE.sub("", line) if contents else line)
        if ahead and found and found[1] == "一" and not contents:
            chapter, ahead = "", False
        if found and not ahead and chapter.startswith("附件") and found.re is not HEADINGS[2]:
            found = None  # inside an annex
        if not ahead and (found or row):
            pieces = [piece for piece in re.split("[。；]", text) if piece]
            yield from (Sentence(section, piece, first, tuple(pieces[at:])) for at, piece in enumerate(pieces, start=1))
            text = ""
        if found:
            chapter = chapter if found.re is HEADINGS[1] else found[1] if found.re is HEADINGS[0] else f"附件{found[1] or ''}"
            section = f"{chapter}、{found[1]} {found[2]}" if found.re is HEADINGS[1] else f"{chapter} {found[2]}"
        if ahead and ((contents and found) or re.fullmatch(r"\d{4}年\d+月(\d+日)?", bare(line))):
            yield Sentence(CONTENTS if contents else COVER, section if contents else bare(line), page)
        elif not ahead and found:
            first, text = page, f"{found[2]}。"
        elif not ahead and row:
            yield Sentence(section, row, page)
        elif not ahead:
            section += bare(line) if section.endswith(" ") else ""  # the title of an annex, under its number
            first, text = first if text else page, text + bare(line)


def grade_of(words: str) -> str:
    return LOW if words.startswith("不") else GRADES[re.sub("活跃度?", "", words)]


def listed(before: str, after: str, following: Iterable[str]) -> list[str]:
    """What is listed that a number in words counts: after a colon, in brackets, or just before it; nothing where nothing is."""
    rest, clause = after.partition("：")[2], re.split("[，。：；（]", before)[-1].rpartition("在")[2]
    marked = MARK.split("；".join([rest, *takewhile(MARK.match, following)]))[1:]
    if "：" in after and len(marked) > 1:
        return [item.strip("；") for item in marked]
    if inner := re.match(r"\w{0,9}（([^（）]*、[^（）]*)）", after) or re.match("(.*、.*)", re.sub("（.*?）", "", rest)):
        return re.split("[、和]", inner[1])
    items, last = re.sub("等?[这的]*$", "", clause).split("、"), clause.rpartition("、")[2]
    if "等" not in last[-3:] and last.count("和") == 1:  # A、B和C
        items[-1:] = re.sub("的$", "", last).split("和")
    return items if len(items) > 1 and "之一" not in after[:6] else []


def item_of(unit: str, items: dict[str, str], *places: str) -> str:
    """The longest item with the unit whose characters stand in the first of some places, in order: 自设项目数 in 自设的自主创新项目."""
    def told(item: str, words: str) -> bool:
        left = iter(words)
        return all(character in left for character in re.sub("[和与（）]|数$", "", item))

    found = ([item for item in items if items[item] == unit and told(item, words)] for words in places)
    return max(next(filter(None, found), [""]), key=len)


def counted(unit: str, said: str, batch: str, before: str, after: str, section: str) -> tuple[str, float]:
    """What a number counts that stands between some words, where grades, scores and a batch were said; and how sure that is."""
    step = looked_up(STEPS, before, after.partition("，")[0]) or (INCOMPLETE if "不完整" in after else "")
    if unit == "位" and "专家" in before + after:
        return phrases.PANEL, LIKELY
    if unit not in ("家", "个") or OTHER_THINGS.match(after):
        return "", UNREAD
    if step in (phrases.A_LEVEL, phrases.EVERYONE) or (step and said in ("", phrases.PILOTS)):
        return step, LIKELY
    if said == batch and step in (phrases.EVALUATED, NOT_EVALUATED):
        return f"{step} {said}", SURE
    return (f"{phrases.A_LEVEL} {said}" if said == batch and phrases.A_LEVEL in section else said), SURE if said else UNREAD


def numbered(match: re.Match, start: int, said: str, batch: str, sentence: Sentence, items: dict[str, str]) -> Read | None:
    """What a number is read as whose own words begin at `start`, where some words and a batch were said; None for no count."""
    text, end, printed = sentence.text, match.end(), match["number"] or match[0]
    unit, before, after = match["unit"] or "家" * (match["unit"] is None), text[start:match.start()], text[end:]
    if unit in ("个", "项", "大", "") and printed[0] in CHINESE[1:] + "两" and (found := listed(text[:match.start()], after, sentence.after)):
        return Read(printed, "个", f"列举 {'；'.join(found)}", "", LIKELY)
    if unit in ("大", "") or re.fullmatch(r"\d{4}年", printed + unit) or (unit != "家" and printed == "一"):
        return None
    counts, sure = counted(unit, said, batch, before.rpartition("，")[2], re.split(r"\d+[家个]", after)[0], sentence.section)
    item = "" if counts else item_of(unit, items, before[-NEAR:], text[:match.start()][-NEAR:], re.split("[，。]", after)[0][:NEAR])
    return Read(printed, unit, counts or item, "", LIKELY if item else sure)


def rows(sentence: Sentence, items: dict[str, str]) -> Iterator[Read]:
    """What a sentence prints; `items` are those of the sheet that have a number of their own, with its unit."""
    grades, batches, queue, score, counts, earlier, last, number, was, text = [], [], [], "", "", "", 0, 0, "", sentence.text
    for match in TOKEN.finditer(text):
        kind, between, value = match.lastgroup, text[last:match.start()], match[match.lastgroup]
        batches, last, joined, was = [] if "）" in between else batches, match.end(), JOINED.fullmatch(between) and was == kind, kind
        if kind in ("grade", "half"):
            named = HALVES[value] if kind == "half" else [grade_of(value)]
            grades = [*dict.fromkeys([*grades, *named])] if joined else named
            if kind == "grade" and value not in ("活跃度高", "活跃度较高", "活跃度一般", "较高", "一般"):
                yield Read(value, LABEL, named[0], "", LIKELY)
        elif kind == "batch":
            named = value if value[0] in "第A" else phrases.PILOTS if value.startswith("试点") else "网员联盟"
            batches = [*batches, named] if joined else [named]
        elif kind in ("score", "side"):
            score = match["score"].replace("满分", "100分") + ("及以上" if match["side"] else "")
        elif kind == "share":
            inside = phrases.EVALUATED if "参评联盟中" in text[:match.start()] else ""
            whole = looked_up(WHOLES, match["whole"]) or ("" if match["whole"] else earlier or inside)
            if inner := re.search(NUMBER, match["whole"]):
                yield Read(inner["number"], inner["unit"], "".join(re.findall("第.批", match["whole"])) or "+".join(batches))
            yield Read(value, SHARE, counts if whole else "", whole, SURE if match["whole"] else LIKELY)
        elif kind == "date":
            yield Read(value, DATE, looked_up(DATES, text[last:][:2], between, text[last:]), "", UNREAD)
        elif kind == "band" and grades:
            yield Read(value, BAND, grades[-1])
        elif kind == "names" and counts:
            yield Read(value.replace("、", "；"), LIST, counts)
        elif kind in ("unit", "none"):
            ahead = re.match(rf"(联盟)?(被?评为|是)?({GRADE})", text[last:])  # 24家活跃度高的联盟, 24家被评为活跃度高
            grades = [grade_of(ahead[3])] if ahead and (ahead[2] or not grades) else grades
            if "分别" in between or "各" in between:  # the numbers that follow are of one each
                queue = [(grades, [batch]) for batch in batches] if len(batches) > 1 else [([grade], batches) for grade in grades]
            elif not JOINED.fullmatch(between):
                queue = []
            of_grades, of_batches = queue.pop(0) if queue else (grades, ["网员联盟"] if kind == "none" else batches)
            own = "+".join(of_batches)
            found = numbered(match, number, " ".join(filter(None, ["+".join(of_grades), score, own])), own, sentence, items)
            number, earlier, counts = last, counts, found.counts if found and not found.counts.startswith("列举") else ""
            yield from [found] if found else []


def names(sentence: Sentence, known: registry.Registry, period: str) -> Iterator[Read]:
    """Names in the text that the registry has as misspelt or short."""
    text = sentence.text
    for name in sorted([*known.names.values(), *known.aliases], key=len, reverse=True):
        plain, id = bare(name).translate(WIDTHS), known.id_of(name)
        odd = any(d.get("alias") == name and d["kind"] != "renamed" for d in known.decisions.get(id, ()))
        if plain in text and odd and (code := known.own_codes.get(id, {}).get(period)):
            yield Read(plain, NAME, code)
        text = text.replace(plain, "，")


def rows_of_table(line: Sentence, state: dict[str, object], known: registry.Registry, period: str) -> Iterator[Read]:
    """What a row of a table prints: counts of activities, names that the registry has as misspelt, codes that it doubts."""
    cells, activities = line.text.split("\t"), state["activities"]
    if len([*filter(None, cells)]) == 1:
        found = [*rows(line._replace(text="".join(cells)), {})]
        state["grades"] = [row.counts for row in found if row.counts][:1] or state["grades"]
        yield from found
    elif all(re.fullmatch(r"\d+家", cell) for cell in cells):
        told = Counter("".join(activities)) <= Counter(state["text"])  # a table whose heads are lost keeps the order of its sentence
        heads = next((heads for heads in (state["heads"], activities * told) if len(heads) == len(cells)), ())
        yield from (Read(cell[:-1], "家", f"{state['grades'][-1]} {head}") for head, cell in zip(heads, cells) if state["grades"])
    elif cells[0] in activities and len(cells) == len(state["grades"]) + 1:  # an activity a row, a grade a column
        yield from (Read(cell, "家", f"{grade} {cells[0]}") for grade, cell in zip(state["grades"], cells[1:]))
    elif cells[0].isdigit() and len(cells) > 2:
        yield from names(line, known, period)
        if known.codes.get((known.id_of(cells[1]), period), ("", ""))[1] == "doubtful":
            yield Read(cells[2], CODE, cells[1])
    else:
        state["heads"] = cells


def wholes(found: list[tuple[Printed, float]], items: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Totals of which the next sentences, 其中…, have the parts: the place of the row, and the sum of what the parts count."""
    told = [[*group] for _, group in groupby(enumerate(row for row, _ in found), key=lambda each: each[1].sentence)]
    for at, first in enumerate(told[1:], start=1):
        units = [row.unit for _, row in first]
        parts = [*takewhile(lambda group, units=units: [row.unit for _, row in group] == units, told[at:])]
        for place, row in told[at - 1] if first[0][1].sentence.startswith("其中") and len(parts) > 1 else ():
            if row.unit in units and row.counts in ("", *items):
                yield place, " + ".join(part[units.index(row.unit)][1].counts for part in parts)


def closures(here: dict[str, Printed], everywhere: dict[str, Printed], batches: list[registry.Batch]) -> Iterator[tuple[Printed, str]]:
    """The sums that the counts of one section should keep to, by what they count: a row with the whole, and the terms."""
    pilots, members = ([batch.short for batch in batches if batch.is_pilot == pilot] for pilot in (True, False))
    halves, together = [f"{HIGH}+{FAIRLY_HIGH}", f"{FAIR}+{LOW}"], everywhere | here
    heads = ["", *(f"{head} " for head in (phrases.A_LEVEL, *halves, *BEST_FIRST))]
    sums = [(f"{head}{phrases.PILOTS}", [f"{head}{batch}" for batch in pilots]) for head in heads]
    sums += [(head.strip(), [f"{head}{batch}" for batch in (*pilots, *members)]) for head in heads[1:]]
    sums += [(halves[0], [HIGH, FAIRLY_HIGH]), (phrases.EVALUATED, [*BEST_FIRST]), (phrases.EVERYONE, [phrases.PILOTS, *members])]
    sums += [(row.counts, row.counts.split(" + ")) for row in here.values() if " + " in row.counts]
    for whole, parts in sums:
        there = here if whole in here or whole not in (*halves, phrases.EVALUATED) else everywhere
        if whole in there and {*parts} <= here.keys():
            yield there[whole], " + ".join(f"[{here[part].id}]" for part in parts)
    steps, all_of_it = [phrases.EVALUATED, INCOMPLETE, phrases.NOT_ENTERED], phrases.EVERYONE if members else phrases.PILOTS
    if phrases.NOT_ENTERED in here and {*steps, all_of_it} <= together.keys():
        yield together[all_of_it], " + ".join(f"[{together[step].id}]" for step in steps)
    if phrases.ENTERED in here and {*steps[:2]} <= everywhere.keys():
        yield everywhere[phrases.EVALUATED], f"[{here[phrases.ENTERED].id}] - [{everywhere[INCOMPLETE].id}]"


def key_of(section: str) -> str:
    """`三、5 活跃度高` -> `3.5`, `附件1 专家组` -> `A1`, the cover and the contents -> `0`."""
    chapter, _, number = section.partition(" ")[0].partition("、")
    return chapter.replace("附件", "A") if chapter.startswith("附件") else f"{CHINESE.find(chapter) + 1}{number and '.'}{number}"


def titled(section: str) -> str:
    """A heading as it is printed."""
    key, _, title = section.partition(" ")
    return f"{key}：{title}" if key.startswith("附件") else f"{key.partition('、')[2]}.{title}" if "、" in key else f"{key}、{title}"


def _read(read: list[Sentence], known: registry.Registry, period: str, sheet: sheets.Period | None) -> Iterator[tuple[Sentence, Read]]:
    """Everything that the lines of a report print, in order."""
    there = {key_of(line.section): titled(line.section) for line in read if line.section not in (COVER, CONTENTS)}
    items = {item: unit for item, (_, unit) in sheet.totals.items()} if sheet else {}
    state = {"heads": [], "grades": [], "text": "",
             "activities": [name for name in next(iter(sheet.activities.values()), ()) if name != phrases.EACH] if sheet else []}
    for section, group in groupby(read, key=lambda line: line.section):
        lines = [*group]
        tables = [line.text.split("\t") for line in lines if "\t" in line.text]
        for line in lines:
            if section == COVER:
                said = [Read(line.text, DATE, "", "", UNREAD)]
            elif section == CONTENTS:  # beside the heading that it points to; one annex may have no number there
                said = [Read(titled(line.text), PLACE, there.get(key_of(line.text), there.get(key_of(line.text)[0], "")), "", TRUSTED)]
            elif "\t" in line.text:
                said = rows_of_table(line, state, known, period)
            else:
                said = [*rows(line, items), *names(line, known, period)]
                said += [Read(place, PLACE) for place in re.findall("详?见下表", line.text) if not tables]
                state |= {"text": line.text, "grades": [grade_of(grade) for grade in re.findall(GRADE, line.text)][-2:], "heads": []}
            yield from ((line, row) for row in said)
        if numbers := [cells[0] for cells in tables if cells[0].isdigit() and len(cells) > 2]:
            yield line, Read(numbers[-1], "号", looked_up(LISTS, section) or phrases.EVALUATED)


def draft(pages: list[str], period: str, data: Path) -> list[dict[str, str]]:
    """The rows of a draft, in printed order, with the columns of COLUMNS. A sheet of the period, if it is sound, moves the confidence."""
    known, numbers, seen, sheet = registry.read(data), Counter(), set(), None
    found: dict[str, list[tuple[Printed, float]]] = {}  # by section
    with contextlib.suppress(DataError, OSError):  # then there is no sheet to weigh it with
        sheet = sheets.read(period, data)

    def add(section: str, row: Read, what: str, sentence: str, page: str) -> None:
        numbers[key := key_of(section)] += 1  # a sentence that no spreadsheet would run
        printed = Printed(f"{key}-{numbers[key]:02}", section, what, *row[:4], "", sentence.lstrip("=@+-"), page)
        found.setdefault(section, []).append((printed, row.sure))

    for line, row in _read([*sentences(pages)], known, period, sheet):
        again = row.unit in (LABEL, NAME) and (line.section, row.printed) in seen
        if not again and not (row.unit == LABEL and known.scheme(period).labels[row.counts].endswith(row.printed)):
            seen.add((line.section, row.printed))
            add(line.section, row, f"{row.counts or '？'}{f'占{row.of}' if row.of else ''}", line.text, line.page)
    for told in found.values():
        for place, total in [*wholes(told, sheet.totals if sheet else ())]:
            told[place] = (told[place][0]._replace(counts=total, statement=total), LIKELY)
    counted_here = {section: {row.counts: row for row, _ in reversed(told) if row.unit in UNITS} for section, told in found.items()}
    everywhere = {counts: row for here in reversed(counted_here.values()) for counts, row in here.items()}
    for section, here in counted_here.items():
        for row, terms in closures(here, everywhere, known.batches_in(period)):
            add(section, Read(row.printed, row.unit.replace("号", "家"), terms, "", LIKELY), f"{row.statement}应等于各项之和",
                row.sentence, row.page)
    return _weighed([*chain(*found.values())], sheet)


def _weighed(found: list[tuple[Printed, float]], sheet: sheets.Period | None) -> list[dict[str, str]]:
    """The rows with their confidence: how sure the reading is, and whether the sheet bears it out."""
    report = sheet and Report([row for row, _ in found], sheet)

    def weight(row: Printed, sure: float) -> float:
        if not report or row.unit == PLACE:
            return sure
        with contextlib.suppress(UnknownWord):
            report.compute(row)
            return sure + FITTING.get(finding(row, report).verdict, 0) if row.counts else UNREAD
        return UNREAD

    return [dict(zip(COLUMNS, (*row[:-1], f"{weight(row, sure):.2f}"))) for row, sure in found]


def written(drafted: list[dict[str, str]]) -> bytes:
    """As a CSV with a BOM."""
    return pd.DataFrame(drafted, columns=COLUMNS).to_csv(index=False).encode("utf-8-sig")
