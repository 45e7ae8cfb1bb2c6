#!/usr/bin/env bash
# The main job on the embedded default market: simulate, features, train, scores, evaluate, rotate, report.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment ""
exec .venv/bin/fusion-factor run "$@"
