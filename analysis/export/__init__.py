"""Notebook -> HTML and PDF: the exporters `alliance-html` and `alliance-pdf` for `jupyter nbconvert --to`."""
