#!/usr/bin/env bash
# Executes the notebooks on servers and data of their own, and writes docs/notebooks/*.html.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
CASTRO_NOTEBOOKS=$PWD/docs/notebooks exec ./test.sh tests/notebooks
