# Everything an analyst does, one command each; `make` lists them. Python, make and a network are all that is needed.
SHELL := /bin/sh
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

DATA ?= data
OUT ?= .
override DATA := $(patsubst %/,%,$(DATA))
override OUT := $(patsubst %/,%,$(OUT))
export DATA OUT YEAR PERIODS
unexport PYTHONDONTWRITEBYTECODE  # where it is set, every run compiles pandas and matplotlib anew: two seconds

PYTHON := .venv/bin/python
INSTALLED := .venv/.installed
TESTING := .venv/.testing
RUN = $(PYTHON) -m analysis
PLACES = --data "$$DATA" --out "$$OUT"

CODE := $(wildcard analysis/*.py analysis/*/*.py analysis/style/* analysis/export/templates/* analysis/fonts/*.ttf)
REGISTRY := $(wildcard $(DATA)/registry/*.csv)
DIGITS := [0-9][0-9][0-9][0-9]
SHEETS := $(notdir $(wildcard $(DATA)/score_sheets/$(DIGITS).xlsx $(DATA)/score_sheets/$(DIGITS)-$(DIGITS).xlsx))
PERIODS_THERE := $(SHEETS:.xlsx=)
GENERAL := $(CODE) $(REGISTRY) $(INSTALLED)

.PHONY: help report reports audit trends check new panel example-panel test fuzz lab bench lint clean
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-28s %s\n", $$1, $$2}' Makefile
	@echo "  DATA=dir reads another data folder, OUT=dir writes to dir/reports and dir/figures"

# A period is a bare word; whatever else YEAR holds is refused by the program, and never reaches a path here. Nor does a
# folder with a blank in its name, which make would take for two: then the program is called each time.
PLAIN := $(and $(filter 1,$(words $(DATA))),$(filter 1,$(words $(OUT))))
WILD := $(strip $(foreach mark,/ \ %,$(findstring $(mark),$(YEAR))))
ONE_YEAR := $(and $(PLAIN),$(filter 1,$(words $(YEAR))),$(if $(WILD),,$(filter $(YEAR),$(PERIODS_THERE))))

ifneq ($(ONE_YEAR),)
report: $(OUT)/reports/$(ONE_YEAR).html $(OUT)/reports/$(ONE_YEAR).pdf  ## YEAR=2017: the report of one period, HTML and PDF
else
report: $(INSTALLED)
	@$(RUN) report "$$YEAR" $(PLACES)
endif

ifneq ($(ONE_YEAR),)
audit: $(OUT)/reports/audit-$(ONE_YEAR).html $(OUT)/reports/audit-$(ONE_YEAR).pdf  ## YEAR=2017: a published report checked, every figure recomputed
else
audit: $(INSTALLED)
	@$(RUN) audit "$$YEAR" $(PLACES)
endif

# What make cannot see in a file's date: another DATA for the same OUT, a sheet that came with an old date, remarks that
# are gone. It is written down beside the reports.
state = $(abspath $(DATA)) $(shell cksum $(1) 2>/dev/null) $(wildcard $(DATA)/remarks/*.md $(DATA)/panel/*.xlsx)
seen = $(OUT)/reports/.$(1)-inputs
# A figure that is gone is seen by the list that the program left.
gone = $(filter-out $(wildcard $(OUT)/figures/$(1)/*),$(addprefix $(OUT)/figures/$(1)/,$(file <$(OUT)/reports/.$(1)-figures)))
remember = $(if $(call gone,$(1)),$(shell touch "$(call seen,$(1))"))$(if $(subst x$(file <$(call seen,$(1)))x,,x$(2)x),$(shell mkdir -p "$(OUT)/reports" && printf '%s' "$(2)" > "$(call seen,$(1))"))
NEEDED := $(if $(filter reports,$(MAKECMDGOALS)),$(PERIODS_THERE),$(if $(filter report,$(MAKECMDGOALS)),$(ONE_YEAR)))
$(foreach period,$(NEEDED),$(call remember,$(period),$(call state,$(DATA)/score_sheets/$(period).xlsx)))
$(if $(filter audit,$(MAKECMDGOALS)),$(if $(ONE_YEAR),$(call remember,audit-$(ONE_YEAR),$(call state,$(SHEETS:%=$(DATA)/score_sheets/%)))))

ifneq ($(PLAIN),)
$(OUT)/reports/%.html $(OUT)/reports/%.pdf: $(DATA)/score_sheets/%.xlsx notebooks/report.ipynb $(wildcard notebooks/text/report/*) \
                       $(wildcard $(DATA)/remarks/*.md) $(wildcard $(DATA)/panel/*.xlsx) $(GENERAL) $(OUT)/reports/.%-inputs
	@$(RUN) report "$*" $(PASS_OVER) $(PLACES)

# An audit looks at the names and codes of every sheet there is.
$(OUT)/reports/audit-%.html $(OUT)/reports/audit-%.pdf: $(SHEETS:%=$(DATA)/score_sheets/%) $(wildcard $(DATA)/published/*.csv) notebooks/audit.ipynb \
                             $(wildcard notebooks/text/audit/*) $(GENERAL) $(OUT)/reports/.audit-%-inputs
	@$(RUN) audit "$*" $(PLACES)

$(OUT)/reports/.%-inputs: ;
endif

CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
OTHER_NAMES = ls "$$DATA/score_sheets" 2>/dev/null | grep '\.xlsx$$' | grep -Evx '~.*|[0-9]{4}(-[0-9]{4})?\.xlsx'
PASSED_OVER = $(OTHER_NAMES) | sed 's/$$/: is not named like 2022.xlsx or 2020-2021.xlsx; passed over/' || true
ifneq ($(PLAIN),)
reports: $(INSTALLED)  ## the reports of all periods, side by side
	@$(PASSED_OVER)
	@$(if $(PERIODS_THERE),,echo "there is no sheet in $$DATA/score_sheets; start with make new YEAR=2022" >&2; exit 2)
	@+$(MAKE) --no-print-directory -j$(CORES) PASS_OVER=--pass-over-unfilled $(PERIODS_THERE:%=$(OUT)/reports/%.html)
else
reports: $(INSTALLED)
	@$(PASSED_OVER)
	@status=0; for period in $$(ls "$$DATA/score_sheets" | sed -En 's/^([0-9]{4}(-[0-9]{4})?)\.xlsx$$/\1/p'); do \
	  $(RUN) report $$period --pass-over-unfilled $(PLACES) || status=$$?; done; exit $$status
endif

# All periods with a sheet, or those in PERIODS; which they are is written down, so that one more or less is seen.
CHOSEN := $(sort $(or $(PERIODS),$(PERIODS_THERE)))
KNOWN := $(filter $(PERIODS_THERE),$(CHOSEN))
ifeq ($(words $(KNOWN)) $(PLAIN),$(words $(CHOSEN)) 1)
trends: $(OUT)/reports/trends.html  ## PERIODS="2017 2020-2021": what changed between periods; all where none is named
$(if $(filter trends,$(MAKECMDGOALS)),$(call remember,trends,$(call state,$(KNOWN:%=$(DATA)/score_sheets/%.xlsx))))
else
trends: $(INSTALLED)
	@$(RUN) trends $$PERIODS $(PLACES)
endif

ifneq ($(PLAIN),)
$(OUT)/reports/trends.html: $(KNOWN:%=$(DATA)/score_sheets/%.xlsx) notebooks/trends.ipynb $(wildcard notebooks/text/trends/*) \
                            $(GENERAL) $(OUT)/reports/.trends-inputs
	@$(RUN) trends $(KNOWN) $(PLACES)
endif

check: $(INSTALLED)  ## YEAR=2017: read a sheet; every error in it, or one line that it is sound
	@$(RUN) check "$$YEAR" $(PLACES)

new: $(INSTALLED)  ## YEAR=2022: an empty workbook to fill in; never overwrites one
	@$(RUN) new "$$YEAR" $(PLACES)

panel: $(INSTALLED)  ## YEAR=2017: from the experts' marks to the score sheet; FORCE=1 replaces one unasked
	@$(RUN) panel "$$YEAR" $(PLACES) $(if $(filter 1,$(FORCE)),--force)

example-panel: $(INSTALLED)  ## YEAR=2017: a simulated panel in build/ (or OUT) that settles on the published scores
	@$(RUN) example-panel "$$YEAR" $(PLACES)

lab: $(INSTALLED)  ## JupyterLab at explore.ipynb
	@.venv/bin/jupyter lab notebooks/explore.ipynb

test: $(TESTING)  ## the whole test suite
	@$(PYTHON) -m pytest

fuzz: $(TESTING)  ## thousands of broken workbooks: each is read right, or refused by its place
	@FUZZ=3000 $(PYTHON) -m pytest tests/test_fuzz.py

lint: $(TESTING)  ## the linters
	@$(PYTHON) -m ruff check .
	@$(PYTHON) tests/lint_notebooks.py

bench: $(TESTING)  ## this project beside the plain tools
	@$(PYTHON) tests/bench/bench.py

clean:  ## remove what is made, and .venv
	rm -rf .venv reports figures/20* figures/audit-* figures/trends figures/panel-* .lock-* .making-* .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find analysis notebooks tests -name __pycache__ -prune -exec rm -rf {} +

# An installed uv is used if there is one, and is not needed.
define install
	@echo "setting up .venv from $(1) (once)"
	@if command -v uv >/dev/null 2>&1; then \
	  { test -x $(PYTHON) || uv venv -q --allow-existing --python "$$(command -v python3)" .venv; } && \
	  uv pip install -q --python $(PYTHON) --require-hashes -r $(1) && \
	  uv pip install -q --python $(PYTHON) --no-deps --no-build-isolation -e .; \
	else \
	  { $(PYTHON) -m pip --version >/dev/null 2>&1 || python3 -m venv .venv; } && \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --require-hashes -r $(1) && \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
	@touch $@
endef

$(INSTALLED): requirements.lock pyproject.toml
	$(call install,requirements.lock)

$(TESTING): requirements-test.lock $(INSTALLED)
	$(call install,requirements-test.lock)
