#!/usr/bin/env bash
# Runs two builds' benches by turns and prints, per line, how much slower the new one is.
#
#     benches/compare.sh OLD NEW              checkouts (folders) or revisions of this repository
#     benches/compare.sh --self-test          the statistics, on made-up lines
#
#     ROUNDS=9                      rounds, 6 at least; in every other one the new side begins
#     BENCHES="products convert"    benches to run, by default all but rotations and layer_transforms
#     FILTER="w4a8 1024"            lines with one of these texts in their names
#     QUICK=0                       full runs (some minutes a bench) in place of quick ones
#     KEEP=1                        keeps the worktrees of revisions, with their builds, in the cache folder
#
# Per line: the slowdown, the median over the rounds of new time / old time (old rate / new rate) of the same round, and
# its interval: the order statistics between which the median lies with a probability of at least 95 % (of 9 rounds the 2nd
# and the 8th, 96.1 %). A line of fewbit's whose interval lies above 1.03 is SLOWER; then the exit code is 1. Peers (loops,
# other libraries, limits of the machine) are the same code on both sides: what they show is the noise.
set -euo pipefail
export LC_ALL=C

# From lines `ROUND SIDE NAME VALUE UNIT [peer]` of both sides to the table; exit code 1 where a line is slower.
table() {
    awk '
    function sorted(from, to, n,    i, j, x) {
        for (i = 1; i <= n; i++) {
            x = from[i]
            for (j = i - 1; j >= 1 && to[j] > x; j--) to[j + 1] = to[j]
            to[j + 1] = x
        }
    }
    # The greatest k such that the median lies between the k-th from both ends with at least 95 %; 0 where none does.
    function rank(n,    k, term, tail) {
        term = 0.5 ^ n; tail = term; k = 0
        while (2 * tail <= 0.05) { k++; term = term * (n - k + 1) / k; tail += term }
        return k
    }
    {
        if (!($3 in unit)) { order[++names] = $3; unit[$3] = $5 }
        if ($6 == "peer") peer[$3] = 1
        value[$3, $1, $2] = $4
        if ($1 + 0 > rounds) rounds = $1 + 0
    }
    END {
        printf "%-64s %10s %10s  %8s  %s\n", "line", "old", "new", "slowdown", "interval"
        for (i = 1; i <= names; i++) {
            name = order[i]; n = olds = news = 0
            for (round = 1; round <= rounds; round++) {
                old = value[name, round, "old"]; new = value[name, round, "new"]
                if (old != "") olds++
                if (new != "") news++
                if (old + 0 > 0 && new + 0 > 0) {
                    rate = unit[name] ~ /\/s$/
                    n++; ratio[n] = rate ? old / new : new / old
                    left[n] = old; right[n] = new
                }
            }
            if (!olds || !news) { printf "%-64s only in %s\n", name, olds ? "the old" : "the new"; continue }
            sorted(ratio, r, n); sorted(left, l, n); sorted(right, q, n)
            a = int((n + 1) / 2); b = int(n / 2) + 1; k = rank(n)
            if (!k) { printf "%-64s in too few rounds of both\n", name; continue }
            median = (r[a] + r[b]) / 2
            verdict = ""
            if (name in peer) verdict = "peer"
            else if (r[k] > 1.03) { verdict = unit[name] == "MiB" ? "LARGER" : "SLOWER"; slower++ }
            else if (r[n + 1 - k] < 1) verdict = "better"
            printf "%-64s %10.4g %10.4g  %8.3f  %.3f - %.3f %s\n", \
                name, (l[a] + l[b]) / 2, (q[a] + q[b]) / 2, median, r[k], r[n + 1 - k], verdict
            if (name in peer) { spread[++peers] = median } else { all[++ours] = median }
        }
        if (ours) { sorted(all, s, ours); printf "# %d lines, median slowdown %.3f, %.3f - %.3f", ours, s[int((ours + 1) / 2)], s[1], s[ours] }
        if (peers) { sorted(spread, t, peers); printf "; %d of peers, %.3f, %.3f - %.3f", peers, t[int((peers + 1) / 2)], t[1], t[peers] }
        printf "; %d slower by more than 3 %%\n", slower
        exit slower > 0
    }' "$1"
}

# The table of made-up lines: nine rounds in which the machine drifts by a half and the sides differ by known factors.
self_test() {
    local lines output status=0
    lines=$(mktemp)
    awk 'BEGIN {
        split("0 1 -1 2 -2 3 -3 4 -4", noise)
        for (round = 1; round <= 9; round++) {
            drift = 1 + round / 18; jitter = 1 + noise[round] / 500
            print round, "old", "rate/same", 100 / drift, "GMAC/s"
            print round, "new", "rate/same", 100 / drift / jitter, "GMAC/s"
            print round, "old", "rate/slower", 100 / drift, "GMAC/s"
            print round, "new", "rate/slower", 100 / drift / jitter / 1.05, "GMAC/s"
            print round, "old", "time/slower", drift, "s"
            print round, "new", "time/slower", drift * jitter * 1.2, "s"
            # Slower in seven of nine rounds is not enough: the second smallest ratio is 1.
            print round, "old", "time/now-and-then", 1, "s"
            print round, "new", "time/now-and-then", (round > 2 ? 1.2 : 1), "s"
            # In eight of nine it is.
            print round, "old", "time/mostly", 1, "s"
            print round, "new", "time/mostly", (round > 1 ? 1.2 : 1), "s"
            print round, "old", "time/faster", drift * 2, "s"
            print round, "new", "time/faster", drift * jitter, "s"
            print round, "old", "time/of-a-peer", drift, "s", "peer"
            print round, "new", "time/of-a-peer", drift * 2, "s", "peer"
            print round, "old", "memory/more", 100, "MiB"
            print round, "new", "memory/more", 110, "MiB"
            print round, "new", "time/added", 1, "s"
        }
    }' >"$lines"
    output=$(table "$lines") || status=$?
    rm -f "$lines"
    expect() {
        if ! grep -Eq -- "$1" <<<"$output"; then
            printf 'expected a line like: %s\n%s\n' "$1" "$output" >&2
            exit 1
        fi
    }
    expect '^rate/same .* 1\.000  0\.994 - 1\.006 *$'
    expect '^rate/slower .* 1\.050  1\.044 - 1\.056 SLOWER$'
    expect '^time/slower .* 1\.200  1\.193 - 1\.207 SLOWER$'
    expect '^time/now-and-then .* 1\.200  1\.000 - 1\.200 *$'
    expect '^time/mostly .* 1\.200  1\.200 - 1\.200 SLOWER$'
    expect '^time/faster .* 0\.500  0\.497 - 0\.503 better$'
    expect '^time/of-a-peer .* 2\.000 .* peer$'
    expect '^memory/more .* 1\.100  1\.100 - 1\.100 LARGER$'
    expect '^time/added +only in the new$'
    expect '; 4 slower by more than 3 %$'
    [ "$status" = 1 ] || { echo "expected exit code 1, got $status" >&2; exit 1; }
    echo "self-test: done"
}

fail() {
    echo "$1" >&2
    exit 2
}

if [ "${1-}" = --self-test ] && [ $# = 1 ]; then
    self_test
    exit
fi
[ $# = 2 ] || fail "usage: benches/compare.sh OLD NEW, checkouts or revisions; or --self-test"
rounds=${ROUNDS:-9}
[[ $rounds =~ ^[0-9]+$ && $rounds -ge 6 ]] || fail "ROUNDS=$rounds: expected 6 or more, with fewer no interval has 95 %"
benches=${BENCHES:-products accumulators float_accumulators convert convolution groups quantize algorithms commands}
arguments=()
[ "${QUICK:-1}" = 0 ] || arguments+=(--quick)
read -ra filters <<<"${FILTER-}"
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/fewbit-compare
scratch=$(mktemp -d)
worktrees=()

clean() {
    rm -rf "$scratch"
    for tree in "${worktrees[@]}"; do
        git -C "$repository" worktree remove --force "$tree" || true
    done
}
trap clean EXIT

# Sets `checkout` to a folder with the sources of a side.
find_checkout() {
    local revision
    if [ -f "$1/Cargo.toml" ]; then
        checkout=$(cd "$1" && pwd)
        return
    fi
    revision=$(git -C "$repository" rev-parse --verify --quiet "$1^{commit}") ||
        fail "$1 is neither a checkout of fewbit nor a revision of $repository"
    checkout=$cache/$revision
    if [ ! -d "$checkout" ]; then
        mkdir -p "$cache"
        git -C "$repository" worktree prune
        git -C "$repository" worktree add --quiet --detach "$checkout" "$revision"
        [ "${KEEP-}" = 1 ] || worktrees+=("$checkout")
    fi
}

# Builds the benches of a checkout and writes `BENCH PROGRAM` a line.
build() {
    local names=()
    for bench in $benches; do
        names+=(--bench "$bench")
    done
    echo "# building the benches of $1" >&2
    (cd "$1" && cargo bench --no-run --locked --workspace "${names[@]}") 2>"$scratch/build" ||
        { cat "$scratch/build" >&2; fail "the benches of $1 do not build"; }
    sed -nE "s|^ *Executable .*benches/([a-z_]+)\.rs \((.*)\)\$|\1 \2|p" "$scratch/build" |
        while read -r bench program; do
            case $program in
                /*) echo "$bench $program" ;;
                *) echo "$bench $1/$program" ;;
            esac
        done >"$2"
}

find_checkout "$1"
old=$checkout
find_checkout "$2"
new=$checkout
build "$old" "$scratch/old"
build "$new" "$scratch/new"

# One bench of one side: its lines go to the results. Some benches need the folder of their package.
run() {
    local program
    program=$(sed -n "s|^$2 ||p" "$scratch/$1")
    [ -n "$program" ] || return 0
    (cd "${!1}" && "$program" "${arguments[@]}" "${filters[@]}") >"$scratch/output" ||
        fail "$program failed, or does not know ${arguments[*]}"
    awk -v round="$3" -v side="$1" '!/^#/ && NF >= 3 { print round, side, $1, $2, $3, $4 == "peer" ? "peer" : "" }' \
        "$scratch/output" >>"$scratch/lines"
}

: >"$scratch/lines"
printf '# old %s\n# new %s\n' "$old" "$new"
for ((round = 1; round <= rounds; round++)); do
    start=$SECONDS
    for bench in $benches; do
        sides=(old new)
        ((round % 2)) || sides=(new old)
        for side in "${sides[@]}"; do
            run "$side" "$bench" "$round"
        done
    done
    echo "# round $round of $rounds: $((SECONDS - start)) s" >&2
done
[ -s "$scratch/lines" ] || fail "no line has ${FILTER-} in its name"
[ -z "${LINES_TO-}" ] || cp "$scratch/lines" "$LINES_TO"
table "$scratch/lines"
