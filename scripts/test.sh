#!/usr/bin/env bash
# Format, lint, types, room contracts, tests. With --slow the long tests too; other words go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment "[test]"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
marks="not slow"
if [ "${1:-}" = "--slow" ]; then
    marks=""
    shift
fi
echo "== format and lint"
.venv/bin/ruff format --check .
.venv/bin/ruff check .
echo "== types"
.venv/bin/mypy
echo "== rooms import from lower floors only"
.venv/bin/lint-imports
echo "== tests"
exec .venv/bin/python -m pytest -n "${TEST_WORKERS:-2}" -m "$marks" "$@"
