"""Write the plain text of all made reports into a folder, so that two versions can be held side by side with diff.

    python tests/plain_text.py OUT FOLDER     # OUT/reports/*.html, *.pdf -> FOLDER/*.html.txt, *.pdf.txt
"""

import html
import re
import subprocess
import sys
from pathlib import Path

UNSEEN = re.compile(r"<(style|script|svg|head)\b.*?</\1>", re.S)
ENDS_A_LINE = re.compile(r"</(p|h\d|li|tr|figcaption|caption|div|section|summary|title)>|<br ?/?>")
BETWEEN_CELLS = re.compile(r"</t[dh]>")


def of_html(page: str) -> str:
    """What a reader of the page sees, a paragraph, row or heading a line; no drawing."""
    text = BETWEEN_CELLS.sub(" | ", ENDS_A_LINE.sub("\n", re.sub(r"\s*\n\s*", "", UNSEEN.sub("", page))))
    lines = (re.sub(r"[ \t]+", " ", html.unescape(re.sub(r"<[^>]*>", "", line))).strip(" |") for line in text.splitlines())
    return "\n".join(line for line in lines if line) + "\n"


def main(out: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for page in sorted((out / "reports").glob("*.html")):
        (folder / f"{page.name}.txt").write_text(of_html(page.read_text("utf8")), "utf8")
    for report in sorted((out / "reports").glob("*.pdf")):
        subprocess.run(["pdftotext", "-layout", report, folder / f"{report.name}.txt"], check=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
