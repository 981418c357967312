"""A notebook with one cell for each thing that a cell can show, run once; and small ones that were never run by a kernel."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

sys.modules.setdefault("rfc3987_syntax", None)  # takes seconds to load, and checks addresses that no notebook has

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from analysis import cells

FOLDER = Path(__file__).parent
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10pt" height="10pt" viewBox="0 0 10 10"><path d="M 0 0 L 9 9" id="p"/></svg>'
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SHOWN = [
    ("# 各种输出\n\n前言见[@pair]、[@alone]、[@series]和[@loop-2]。", ["markdown"]),
    ("import matplotlib.pyplot as plt\nimport pandas as pd\nimport seaborn as sns\nfrom IPython.display import HTML, Markdown, display\n"
     "from analysis import show\nscores = pd.DataFrame({'batch': list('112233'), 'score': [90.5, 80, 70, 65.25, None, 50]})\n"
     "counts = pd.DataFrame({'联盟数': [13, 10, 29], '占比': [25.0, 19.23, 55.765]}, index=pd.Index(['高', '较高', '其他'], name='等级'))", []),
    ("## 图和框", ["markdown"]),
    ("#| label: pair\n#| caption: 图在前\naxes = counts.联盟数.plot.bar(title='题目')\ncounts", []),
    ("#| label: violin\n#| fig-cap: '小提琴'\n#| alt: 三批评分的分布\nsns.violinplot(scores, x='batch', y='score')", []),
    ("plt.figure().gca().set(title='没有标签', xlabel='横轴')", []),
    ("sns.set_theme()\nsns.histplot(scores, x='score').set(title='换了主题的图')", []),
    ("#| label: beside\n#| caption: 并排\n#| table: beside\n#| note: 一条注。\ncounts.联盟数.plot.pie()\ncounts", []),
    ("## 表", ["markdown"]),
    ("#| label: alone\n#| tbl-cap: 一百五十行\n#| search: true\npd.DataFrame({'编码': [f'A-{n}' for n in range(150)], '值': [n / 7 for n in range(150)]})", []),
    ("#| label: series\n#| caption: 一列\ncounts.联盟数", []),
    ("counts.head(1)", []),
    ("#| label: styled\n#| caption: 着色\ncounts.style.format({'占比': '{:.1f}'}).highlight_max()", []),
    ("HTML('<div id=\"xyzzy\"><script>alert(1)</script><style>#xyzzy td {color: #123}</style><table onclick=\"x()\"><tr><th>甲</th><th>乙</th></tr>"
     "<tr><td rowspan=2>丙</td><td>丁</td></tr><tr><td>戊</td></tr></table></div>')", []),
    ("#| label: grouped\n#| caption: 分组\n#| group: 组\n#| also: 别名\n#| stretch: 名\npd.DataFrame({'组': ['一', '一', '二'], '名': ['甲', '乙', '丙'], "
     "'别名': ['jia', 'yi', 'bing'], '好': [True, False, None]})", []),
    ("## 文字", ["markdown"]),
    ("**粗体。**后面，*淡*、`code`、[链接](https://example.org/)和脚注[^a]，公式$\\frac{n}{\\mathrm{总数}}$。\n\n- 一\n  - 二\n- 三\n\n"
     "| 左 | 右 |\n|:--|--:|\n| **甲** | 1 |\n\n```\nfor 代码\n```\n\n$$\\sum_{i=1}^{n} x_i$$\n\n![一个点](dot.png) ![附件](attachment:a.png)\n\n[^a]: 脚注的话。",
     ["markdown"]),
    ("Markdown('单元格里的话，见[@pair]。')", []),
    ("## 循环", ["markdown"]),
    ("for n in (1, 2):\n    show(f'### 第{n}个')\n    show(counts.联盟数.plot.bar(), counts, label=f'loop-{n}', caption=f'循环{n}', data=counts.tail(n))\n"
     "display(counts.tail(1))", []),
    ("## 没有的", ["markdown"]),
    ("#| label: empty\n#| caption: 空表\ncounts.head(0)", []),
    ("None", []),
    ("import warnings\nprint('说漏了')\nwarnings.warn('小心')\n"
     "display({'application/vnd.jupyter.widget-view+json': {'model_id': '1'}, 'text/plain': 'Slider()'}, raw=True)\n'一个结果'", []),
    ("counts.style.set_caption('只在笔记本里')", ["notebook-only"]),
]


def notebook(shown=SHOWN) -> nbformat.NotebookNode:
    made = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for source, tags in shown:
        cell = new_markdown_cell(source) if "markdown" in tags else new_code_cell(source, metadata={"tags": tags})
        if "attachment:" in source:
            cell.attachments = {"a.png": {"image/png": PIXEL}}
        made.cells.append(cell)
    return made


def executed(made: nbformat.NotebookNode, **kernel) -> nbformat.NotebookNode:
    """A notebook as a kernel with some environment ran it."""
    NotebookClient(made, kernel_name="python3", resources={"metadata": {"path": str(FOLDER.parent)}}).execute(**kernel)
    return made


@cache
def everything() -> nbformat.NotebookNode:
    return executed(notebook())


def said(*pieces: str | tuple[str, dict | list[dict]] | nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A notebook that was run, without a kernel: Markdown cells, and code cells with their outputs."""
    made = new_notebook()
    for piece in pieces:
        if isinstance(piece, str):
            made.cells.append(new_markdown_cell(piece))
            continue
        if not isinstance(piece, tuple):
            made.cells.append(piece)
            continue
        source, outputs = piece
        shown = [new_output("display_data", data) for data in (outputs if isinstance(outputs, list) else [outputs])]
        made.cells.append(new_code_cell(source, outputs=shown, execution_count=1))
    return made


def told(data: dict, **options) -> nbformat.NotebookNode:
    """A cell that called `show` with some options."""
    output = new_output("display_data", data, metadata={cells.SAID: {"part": 0} | options})
    return new_code_cell("show(…)", outputs=[output], execution_count=1)


def frame(table) -> dict:
    return {cells.RESOURCE: cells.resource(table)}
