#!/usr/bin/env bash
# Measures tapescan beside its peers in Python, and prints the tables as Markdown.
#
#   benches/peers/run.sh                 both: replay, then live (together nearly half an hour)
#   benches/peers/run.sh replay ARGS     only that one, with its own arguments
#   benches/peers/run.sh live ARGS
#
# It needs Python 3.12 or later (or say which: PYTHON=python3.13) and, the first time, PyPI. The
# program is target/release/tapescan, or $TAPESCAN.
set -euo pipefail
cd "$(dirname "$0")/../.."

what=${1:-both}
[ $# -eq 0 ] || shift
case $what in
    replay | live | both) ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

target=${CARGO_TARGET_DIR:-target}
tapescan=${TAPESCAN:-$target/release/tapescan}
if [ ! -x "$tapescan" ]; then
    echo "there is no $tapescan: build it with \`cargo build --release\`, or set TAPESCAN" >&2
    exit 1
fi

venv=$target/peers
wanted=benches/peers/requirements.txt
if ! cmp -s "$wanted" "$venv/installed.txt"; then
    python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
        echo "$python is older than 3.12, which nautilus_trader needs: set PYTHON" >&2
        exit 1
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$wanted" >&2
    cp "$wanted" "$venv/installed.txt"
fi

export PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1
for one in replay live; do
    if [ "$what" = "$one" ] || [ "$what" = both ]; then
        "$venv/bin/python" "benches/peers/$one.py" "$tapescan" "$venv/work" "$@"
        echo
    fi
done
echo "$(nproc) x $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)," \
    "$("$venv/bin/python" --version), $(grep -v '^#' "$wanted" | tr '\n' ' ')"
