#!/bin/sh
# Renews the three lock files: the newest versions that pyproject.toml and build.in allow, with the
# hashes of the files for every platform and every Python from 3.11 on.
set -eu
cd "$(dirname "$0")/.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" -m venv "$scratch"
"$scratch/bin/pip" install --quiet uv

compile() {
    "$scratch/bin/uv" pip compile --no-config --universal --python-version 3.11 \
        --generate-hashes --no-annotate --no-header --quiet --upgrade "$@" >/dev/null
}

compile pyproject.toml --extra dev --no-emit-package llama-cpp-python -o requirements.lock
compile scripts/build.in -o scripts/build.lock
grep -o 'llama-cpp-python==[0-9.]*' pyproject.toml >"$scratch/llama.in"
compile "$scratch/llama.in" --no-deps -o scripts/llama.lock
