"""The process in which Typst sets a document: of a table with thousands of rows it keeps hundreds of MB, which then end with it.

It is run as a file, so that nothing but Typst is loaded; asked by JSON on its standard input, it answers with the PDF.
"""

import datetime as dt
import json
import sys

import typst

if __name__ == "__main__":
    told = json.load(sys.stdin.buffer)
    day = dt.datetime(*told.pop("day"), tzinfo=dt.UTC)
    standards = told.pop("standards")
    try:
        sys.stdout.buffer.write(typst.Compiler(**told).compile(format="pdf", pdf_standards=standards, timestamp=day))
    except typst.TypstError as error:
        sys.exit(f"{type(error).__name__}: {error}")
