# Prepare the virtual environment: sh tools/env.sh FOLDER BIN
# PYTHON names the interpreter; left empty, the first suitable one on the path is taken.
# Each thing that can be missing ends in one line that says what to run.
set -eu

folder=$1
bin=$2
candidates=${PYTHON:-"python3 python3.14 python3.13 python3.12 python3.11 python"}

fail() {
    echo "webhook-lab: $1" >&2
    exit 1
}

recent_enough() {
    "$@" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# An environment from another time or place (Python gone, or too old) is made anew.
if ! recent_enough "$bin/python" || ! "$bin/python" -m pip --version >/dev/null 2>&1; then
    python=
    bare=
    for candidate in $candidates; do
        recent_enough "$candidate" || continue
        if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            python=$candidate
            break
        fi
        bare=$candidate
    done
    if [ -z "$python" ] && [ -n "$bare" ]; then
        fail "$bare has no ensurepip; on Debian or Ubuntu run: sudo apt install python3-venv   (then the same make again)"
    fi
    if [ -z "$python" ]; then
        fail "no Python 3.11 or newer among: $candidates; install one, then run: make PYTHON=/path/to/python3.12 env"
    fi
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi

echo "webhook-lab: installing the locked packages into $folder (about a minute)"
PIP_DISABLE_PIP_VERSION_CHECK=1
PIP_NO_INPUT=1
PIP_USER=0
export PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT PIP_USER
# Compiling 10,000 files ahead costs more than compiling the imported ones at first use.
"$bin/python" -m pip install -qq --no-compile --require-hashes -r requirements.lock
"$bin/python" -m pip install -qq --no-compile --no-deps --no-build-isolation --editable .
