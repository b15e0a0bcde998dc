#!/usr/bin/env bash
# Pairs of profiles, their repeats made in turns: how many pairs of one program differ, or which
# stages differ between two programs.
#
#   benches/pairs.sh TAPE [--pairs N] [--other PROGRAM] [-- WORDS FOR PROFILE]
#
# The program is $TAPESCAN, or target/release/tapescan. Without words: --in-process --rate max.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -gt 0 ] || usage
tape=$1 pairs=20 first=${TAPESCAN:-${CARGO_TARGET_DIR:-target}/release/tapescan}
shift
second=$first
while [ $# -gt 0 ]; do
    case $1 in
        --pairs) pairs=$2; shift 2 ;;
        --other) second=$2; shift 2 ;;
        --) shift; break ;;
        *) usage ;;
    esac
done
[ $# -gt 0 ] || set -- --in-process --rate max
[ -x "$first" ] && [ -x "$second" ] || { echo "build it: cargo build --release" >&2; exit 2; }

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
for ((pair = 1; pair <= pairs; pair++)); do
    "$first" profile "$tape" "$@" --beside "$second" --out "$folder/out" --json \
        >"$folder/$pair.json" 2>"$folder/said" || { cat "$folder/said" >&2; exit 1; }
    rm -r "$folder/out"
done

python3 - "$folder" "$pairs" <<'END'
import collections
import json
import pathlib
import sys

folder, pairs = pathlib.Path(sys.argv[1]), int(sys.argv[2])
differ, stages, ratios, rows = 0, collections.Counter(), collections.defaultdict(list), 0
for pair in range(1, pairs + 1):
    compared = json.loads((folder / f"{pair}.json").read_text())["differences"]
    rows = max(rows, len(compared))
    found = {(row["stage"], row["verdict"]) for row in compared
             if row["verdict"] in ("slower", "faster")}
    differ += bool(found)
    stages.update(found)
    for row in compared:
        if row["measure"] == "mean":
            ratios[row["stage"]].append(row["ratio"])
print(f"{pairs} pairs of {rows} rows each: {pairs - differ} equal, {differ} differ")
for (stage, verdict), count in sorted(stages.items()):
    told = sorted(ratios[stage])
    means = f", means {told[0]:.2f} to {told[-1]:.2f} times as long" if told else ""
    print(f"  {stage} {verdict} in {count}{means}")
END
