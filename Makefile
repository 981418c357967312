# `make` lists the commands. The program decides what is out of date; a variable reaches it as given, through the environment, in quotes.
DATA ?= data
OUT ?= .
$(foreach name,DATA OUT YEAR PERIODS WHO FROM FORCE SCHEDULER,$(eval override $(name) := $$(value $(name))))
export DATA OUT YEAR PERIODS WHO FROM SCHEDULER
unexport PYTHONDONTWRITEBYTECODE  # where it is set, every run compiles pandas and matplotlib anew: two seconds
PYTHON := .venv/bin/python
PIP := $(PYTHON) -m pip install --disable-pip-version-check
RUN := @$(PYTHON) -m analysis
PLACES := --data "$$DATA" --out "$$OUT"
.PHONY: help report reports trends audit transcribe check check-page new new-panel intake assign panel example-panel pages page word release preview data lab test fuzz lint bench clean
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2} END {print "  DATA=dir reads another data folder, OUT=dir writes to dir/reports and dir/figures"}' Makefile
report: .venv/.installed  ## YEAR=2017: the report of one period, HTML and PDF
audit: .venv/.installed  ## YEAR=2017: a published report checked, every figure recomputed
transcribe: .venv/.installed  ## YEAR=2022 FROM=report.pdf: a draft of the figures that a published report prints
check: .venv/.installed  ## YEAR=2017: read a sheet; every error in it, or one line that it is sound
new: .venv/.installed  ## YEAR=2022: an empty workbook to fill in; never overwrites one
new-panel: .venv/.installed  ## YEAR=2022: an empty panel workbook, its rules explained
intake: .venv/.installed  ## YEAR=2022: who has entered what; the list of those to be telephoned
assign: .venv/.installed  ## YEAR=2022: groups without conflicts, and a mark sheet for each expert and stage
panel: .venv/.installed  ## YEAR=2017: from the experts' marks to the score sheet; FORCE=1 replaces one unasked
example-panel: .venv/.installed  ## YEAR=2017: a small simulated panel in build/ (or OUT)
pages: .venv/.installed  ## YEAR=2017: a letter to each alliance as PDF, and an index of all; SCHEDULER=tcp://… for a Dask cluster
word: .venv/.installed  ## YEAR=2017: the report as a Word document
release: .venv/.installed  ## YEAR=2017: everything that goes out, in one folder with an index
preview: .venv/.installed  ## YEAR=2017: the report at a local address, made again when something is saved
page: .venv/.installed  ## YEAR=2017 WHO=113: the letter to one alliance, by name, alias or code
report audit transcribe check new new-panel intake assign panel example-panel pages page word release preview:
	$(RUN) $@ $(if $(filter panel1,$@$(FORCE)),--force) $(if $(filter pages,$@),--scheduler "$$SCHEDULER") $(PLACES) -- "$$YEAR" $(if $(filter page,$@),"$$WHO") $(if $(filter transcribe,$@),"$$FROM")
trends: .venv/.installed  ## PERIODS="2017 2020-2021": what changed between periods; all where none is named
	$(RUN) trends $(PLACES) -- "$$PERIODS"
reports: .venv/.installed  ## the reports of all periods, side by side
data: .venv/.installed  ## reports/data/: all alliances and periods as tidy tables, CSV and Parquet
lab: .venv/.installed  ## JupyterLab at explore.ipynb
check-page: .venv/.installed  ## the check as a page that needs nothing installed; built with npm
reports data lab check-page:
	$(RUN) $@ $(PLACES)
test: .venv/.testing  ## the whole test suite
	@$(PYTHON) -m pytest
fuzz: .venv/.testing  ## thousands of broken workbooks: each is read right, or refused by its place
	@FUZZ=$${FUZZ:-3000} $(PYTHON) -m pytest tests/test_fuzz.py
lint: .venv/.testing  ## the linters
	@$(PYTHON) -m ruff check . && $(PYTHON) tests/lint_notebooks.py
bench: .venv/.testing  ## this project beside the plain tools
	@$(PYTHON) tests/bench/bench.py
clean:  ## remove what is made, and .venv
	rm -rf .venv reports figures/20* figures/audit-* figures/trends figures/panel-* .pytest_cache .ruff_cache .hypothesis build *.egg-info $$(find analysis notebooks tests -name __pycache__)
# An installed uv is used if there is one, and is not needed. pip's lines become dots; what it warns of is shown where it fails.
.venv/.installed: requirements.lock pyproject.toml
.venv/.testing: requirements-test.lock .venv/.installed
.venv/.installed .venv/.testing:
	@echo "setting up .venv from $< (once)"; rm -f $@; \
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, this is " + sys.version)' || exit 1; \
	if command -v uv >/dev/null; then { test -x $(PYTHON) || uv venv -q --python "$$(command -v python3)" .venv; } && \
	  uv pip install -q --python $(PYTHON) --require-hashes -r $< && uv pip install -q --python $(PYTHON) --no-deps --no-build-isolation -e . && touch $@; exit; fi; \
	{ $(PYTHON) -m pip --version >/dev/null 2>&1 || python3 -m venv .venv; } && { $(PIP) --require-hashes -r $< && \
	  $(PIP) --no-deps --no-build-isolation -e . && touch $@; } 2>.venv/pip.log | while read -r word _; do \
	    case $$word in Collecting) printf .;; Installing) printf ' unpacking';; esac; done; echo; \
	test -e $@ || { cat .venv/pip.log >&2; exit 1; }
