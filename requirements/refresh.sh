#!/usr/bin/env bash
# Writes the lock files of this folder from pyproject.toml: every package with its version and the hashes of its files,
# for Python 3.10 and newer. spark-submit.sh installs from them (pip --require-hashes).
#
#   requirements/refresh.sh              after a change of pyproject.toml: versions stay where they still fit
#   requirements/refresh.sh --upgrade    the newest versions; run ./test.sh before you commit them
#
# base.txt: the jobs. local.txt: and the embedded servers. dev.txt: and the tools and notebooks. All have the same versions.
# airflow.txt, from airflow.in: the Airflow of tests/airflow, in an environment of its own. docs.txt, from docs.in: what
# docs/build.sh builds the documentation with, in another one.
# flink.txt, from flink.in: Flink's Java libraries, for benchmarks/peers.
# No index is named in them: pip takes the one that it is set up for.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
tools=$(mktemp -d)
trap 'rm -rf -- "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check uv

lock() { # lock NAME SOURCE option...: into requirements/NAME.txt
    local name=$1
    shift
    "$tools/bin/uv" pip compile --quiet "$@" --universal --python-version 3.10 --generate-hashes \
        --no-annotate --no-emit-index-url --no-emit-find-links --custom-compile-command requirements/refresh.sh \
        --output-file "requirements/$name.txt"
}

lock dev pyproject.toml --extra local --extra notebooks --extra dev "$@"
lock local pyproject.toml --extra local --constraint requirements/dev.txt
lock base pyproject.toml --constraint requirements/dev.txt
lock airflow requirements/airflow.in "$@"
lock docs requirements/docs.in "$@"
lock flink requirements/flink.in "$@"
