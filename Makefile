# What a newcomer needs: `make demo` and `make test`, on a machine with Python >= 3.11 (python3-venv) and make.
# git is needed to clone, not to run; no compiler is needed at all, but llama.cpp's wheel links to libgomp1.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Named after the Python it was made with, so that another PYTHON makes the environment anew.
MADE := $(VENV)/.made-with-$(subst /,-,$(PYTHON))
INSTALL := $(BIN)/uv pip install --python $(BIN)/python -e '.[local]'

# Without it uv trusts only the certificates it carries, so it fails behind a company's proxy where pip works.
export UV_SYSTEM_CERTS ?= 1
# Otherwise every run of pyright asks the registry for a newer release.
export PYRIGHT_PYTHON_IGNORE_WARNINGS ?= 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: demo test check docs bench peers engines format weights clean help

demo: $(VENV)/.installed weights ## run examples/quickstart.py on the real model
	$(BIN)/python examples/quickstart.py

test: check weights ## static checks and the whole test suite, in random order
	RIGGING_PY_LOOPBACK_ONLY=1 $(BIN)/python -m pytest -n auto --dist loadgroup

check: $(VENV)/.developed ## format, lint, types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pyright

docs: $(VENV)/.developed ## build the documentation into site/
	$(BIN)/mkdocs build --strict

bench: $(VENV)/.developed ## measure the cost of a call
	$(BIN)/python -m benchmarks

engines: $(VENV)/.developed ## test transformers! with torch, which takes some GB, in an environment of its own
	@test -e .engines || { $(BIN)/python -m venv --without-pip .engines && \
	  $(BIN)/uv pip install --quiet --python .engines/bin/python -e '.[transformers]' --group test || { rm -rf .engines; exit 1; }; }
	OMP_NUM_THREADS=1 RIGGING_PY_LOOPBACK_ONLY=1 .engines/bin/python -m pytest tests/generator/test_transformers.py tests/generator/test_vllm.py

peers: $(VENV)/.developed ## make environments of other libraries, which `make bench` then measures too
	@for peer in rigging==3.3.5 pydantic-ai-slim[openai] litellm openai; do \
	  at=.peers/$${peer%%[=[]*}; test -e $$at || { echo "Installing $$peer into $$at"; \
	  $(BIN)/python -m venv --without-pip $$at && $(BIN)/uv pip install --quiet --python $$at/bin/python "$$peer" || { rm -rf $$at; exit 1; }; }; \
	done

format: $(VENV)/.developed ## rewrite the code as `make check` wants it
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

weights: $(VENV)/.installed ## fetch the model's weights (93 MB, once) into the user's cache
	$(BIN)/python -m rigging_py.generator.local

clean: ## remove the environment and whatever was built; the weights stay
	rm -rf $(VENV) .peers .engines site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14
	@echo
	@echo "make PYTHON=python3.12 ... uses another Python than python3."

# Each stamp is written last, so an interrupted installation is done again.
$(VENV)/.developed: $(VENV)/.installed
	@echo "Installing the tools of the developers into $(VENV)"
	@$(INSTALL) --group dev
	@touch $@

$(VENV)/.installed: $(MADE) pyproject.toml
	@echo "Installing the package into $(VENV)"
	@$(INSTALL)
	@touch $@

$(MADE):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Missing: $(PYTHON). Install Python 3.11 or newer, on Debian and Ubuntu with:"; \
	  echo "  sudo apt-get install $(notdir $(PYTHON)) $(notdir $(PYTHON))-venv libgomp1"; exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Too old: $(PYTHON) is $$($(PYTHON) --version 2>&1), and 3.11 or newer is needed. Where the system offers one:"; \
	  echo "  sudo apt-get install python3.11 python3.11-venv libgomp1 && make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; } >&2
	@missing=; \
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || missing="$$missing $(notdir $(PYTHON))-venv"; \
	$(PYTHON) -c 'import ctypes, sys; sys.platform != "linux" or ctypes.CDLL("libgomp.so.1")' 2>/dev/null || missing="$$missing libgomp1"; \
	[ -z "$$missing" ] || { \
	  echo "Missing:$$missing. Install on Debian and Ubuntu with:"; \
	  echo "  sudo apt-get install$$missing"; exit 1; } >&2
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --disable-pip-version-check uv
	@touch $@
