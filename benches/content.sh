#!/usr/bin/env bash
# Hashing content against one openssl over the same files: a few long blobs, many of all sizes, very many small ones, and a
# single one, warm and cold. The user and system time say more than the clock where others use the machine.
#   benches/content.sh [DIRECTORY] [REGTREE…]   needs hyperfine, jq, openssl and python3, and 7 GiB free in DIRECTORY
# Further programs, older builds for example, are measured in the same run.
set -euo pipefail
directory=$(realpath "${1:-/var/tmp}")
shift $(($# > 0))
cd "$(dirname "$0")/.."
if [ $# = 0 ]; then
    cargo build --release --locked --quiet
    set -- "${CARGO_TARGET_DIR:-$PWD/target}/release/regtree"
fi
work=$(mktemp -d -p "$directory" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

# make NAME SIZES: a tree with a blob of each size that the expression gives
make() {
    "$regtree" init "$1" >/dev/null
    python3 - "$1/docker/registry/v2/blobs/sha256" "$2" <<'PYTHON'
import hashlib, math, os, random, sys

place, sizes = sys.argv[1:]
random.seed(1)
piece = os.urandom(1 << 20)
for number, size in enumerate(eval(sizes)):
    begin = number.to_bytes(8, "big")[:size]
    pieces = [begin, piece[: min(size, 1 << 20) - len(begin)]] + [piece[: size - at] for at in range(1 << 20, size, 1 << 20)]
    hash = hashlib.sha256()
    for part in pieces:
        hash.update(part)
    digest = hash.hexdigest()
    os.makedirs(f"{place}/{digest[:2]}/{digest}")
    with open(f"{place}/{digest[:2]}/{digest}/data", "wb") as data:
        data.writelines(pieces)
PYTHON
    find "$1" -name data -print0 > files
    echo "# $1: $(tr -dc '\0' < files | wc -c) blobs, $(du -sh --apparent-size "$1" | cut -f1), $(stat -f -c %T "$1")"
}

# compare NAME PREPARE: every program against openssl; the last column is how many times faster than openssl by the clock, and
# how many times less of the processors' time
compare() {
    local name=$1 prepare=$2 commands=('xargs -0 openssl dgst -sha256 < files >/dev/null') program
    for program in "${programs[@]}"; do commands+=("$program --root $name fsck --content >/dev/null"); done
    hyperfine --warmup "${WARMUP:-1}" --runs "${RUNS:-7}" --prepare "$prepare" --export-json "$name.json" \
        "${commands[@]}" >/dev/null 2>&1
    jq -r '.results[0] as $first | .results[]
        | "\(.median * 1000 | round) ms\tuser \(.user * 1000 | round) ms, system \(.system * 1000 | round) ms"
          + "\t\($first.median / .median * 100 | round / 100) x\t"
          + "\(($first.user + $first.system) / (.user + .system) * 100 | round / 100) x\t\(.command)"' "$name.json"
}

regtree=$1
programs=("$@")
echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores"
case_of() {
    make "$1" "$2"
    compare "$1" "rm -rf $1/.regtree"
    # Where caches can't be dropped, there is no cold run.
    if [ -w /proc/sys/vm/drop_caches ] && [ "$(stat -f -c %T .)" != tmpfs ]; then
        echo "# cold"
        WARMUP=0 RUNS=${RUNS:-3} compare "$1" "rm -rf $1/.regtree; sync; echo 3 > /proc/sys/vm/drop_caches"
    fi
    rm -rf "$1"
}
case_of equal '[300_000_000] * 4'
case_of mixed '(int(2 ** random.uniform(10, math.log2(20 << 20))) for _ in range(2000))'
case_of small '(random.randrange(200, 3000) for _ in range(100_000))'
case_of single '[2 << 30]'
