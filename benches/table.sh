#!/usr/bin/env bash
# Runs all benchmarks and prints their table as Markdown.
#
#   benches/table.sh              run everything (some minutes), print the table
#   benches/table.sh --readme     and put it into README.md between the marks for it
#   benches/table.sh --no-run     only the table of what was measured before
#   benches/table.sh -- WORDS     hand WORDS to `cargo bench`, such as a part of a name
set -euo pipefail
cd "$(dirname "$0")/.."

readme=0 run=1
while [ $# -gt 0 ]; do
    case $1 in
        --readme) readme=1 ;;
        --no-run) run=0 ;;
        --) shift; break ;;
        *) sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift
done

figures=${CARGO_TARGET_DIR:-target}/criterion
mkdir -p "$figures"
if [ "$run" = 1 ]; then
    log=$figures/log.txt
    # A whole run leaves nothing of an older one behind; a part replaces only its own figures.
    [ $# -gt 0 ] || find "$figures" -mindepth 1 -delete
    cargo bench -p benches -- "$@" 2>&1 | tee "$log" >&2
    # What plain programs print.
    for name in machine memory recording scaling; do
        if grep -q "^$name: " "$log"; then
            grep "^$name: " "$log" > "$figures/$name.txt"
        fi
    done
fi

python3 benches/table.py "$figures" > "$figures/table.md"
cat "$figures/table.md"
if [ "$readme" = 1 ]; then
    python3 benches/markdown.py figures "$figures/table.md"
fi
