#!/usr/bin/env bash
# Latency at its bounds, over loopback: 20,000 trades a second, ends of minutes, ten times the rate
# for ten seconds. Each row is a tape of the synthetic market through `tapescan profile`.
#
#   benches/bounds.sh             all rows (some eleven minutes), then the tables
#   benches/bounds.sh ROW...      only these: minute-500, minute-2000, minute-10000, max,
#                                 surge-500, surge-2000, surge-10000
#   benches/bounds.sh --no-run    only the tables of what was measured before
#   benches/bounds.sh --readme    the same, and into README.md
#
# The program is $TAPESCAN, or target/release/tapescan. It gets the priority of a real-time task
# where that is allowed: other work of the machine is not what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${TAPESCAN:-${CARGO_TARGET_DIR:-target}/release/tapescan}
folder=${CARGO_TARGET_DIR:-target}/bounds
rows=(minute-500 minute-2000 minute-10000 max surge-500 surge-2000 surge-10000)
readme=0
case ${1-} in
    --no-run) rows=() ;;
    --readme) rows=() readme=1 ;;
    -*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    ?*) rows=("$@") ;;
esac
[ -x "$program" ] || { echo "build it: cargo build --release" >&2; exit 2; }
mkdir -p "$folder"
first=()
if chrt -f 10 true 2>/dev/null; then first=(chrt -f 10); fi

# Links of the synthetic market stall now and then, for up to 300 ms. Over 500 of them that holds up
# a few prints; over one, all would come at once afterwards, in calm seconds as in others.
tape() { # NAME SPEC
    [ -e "$folder/$1.tape" ] && [ "$(cat "$folder/$1.spec")" = "$2" ] && return
    rm -f "$folder/$1.tape.new"
    nice "$program" tape generate "$2" --out "$folder/$1.tape.new" >&2
    mv "$folder/$1.tape.new" "$folder/$1.tape"
    echo "$2" > "$folder/$1.spec"
}

profile() { # NAME TAPE WORDS...
    local name=$1 tape=$2
    shift 2
    echo "== $name" >&2
    timeout 240 "${first[@]}" "$program" profile "$folder/$tape.tape" --out "$folder/$name" "$@" \
        > "$folder/$name.txt"
}

# Nine hours of few prints fill the rings of 1m, and every indicator of 15m is ready; then 20,000
# prints a second, from ten seconds ahead of nine o'clock, at which candles of all three end.
minute() {
    tape "minute-$1" "symbols=$1,rate=10.4,seed=7,links=500,skew=0.5,burst=1,quiet=0,\
duration=32525s,surge=2000x@32390s+135s"
}

# No minute ends within it.
surge() {
    tape "surge-$1" "symbols=$1,rate=20000,seed=7,links=500,skew=0.5,burst=1,boundary=1,quiet=0,\
start=1723161602,duration=55s,surge=10x@25s+10s"
}

for row in "${rows[@]}"; do
    case $row in
        minute-*)
            minute "${row#minute-}"
            profile "$row" "$row" --warm-up 32395s --rate recorded --repeat 1 ;;
        surge-*)
            surge "${row#surge-}"
            profile "$row" "$row" --warm-up 10s --rate recorded --repeat 1 ;;
        max)
            minute 500
            profile "$row" minute-500 --warm-up 32395s --rate max --repeat 5 ;;
        *) echo "no row is called $row" >&2; exit 2 ;;
    esac
done

python3 benches/bounds.py "$folder" | tee "$folder/tables.md"
if [ "$readme" = 1 ]; then
    python3 benches/markdown.py bounds "$folder/tables.md"
fi
