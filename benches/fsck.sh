#!/usr/bin/env bash
# Listing a tree of 100,000 blobs against find, and hashing 1.7 GB against one openssl over the same files; in one run,
# with the user and system time of each, for on a busy machine the clock says little.
#   benches/fsck.sh [DIRECTORY]     needs hyperfine, jq, openssl, python3 and GNU time, and 4 GiB free in DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
gentree=$PWD/benches/gentree.py
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

# bench NAME PREPARE COMMAND…: the median, user and system time of each command, and the first one's clock against it
bench() {
    local name=$1 prepare=$2
    shift 2
    hyperfine --shell=default --warmup "${WARMUP:-1}" --runs "${RUNS:-10}" --prepare "$prepare" \
        --export-json "$name.json" "$@" >/dev/null 2>&1
    jq -r --arg name "$name" '.results[0].median as $first | .results[]
        | "\($name)\t\(.median * 1000 | round) ms\tuser \(.user * 1000 | round) ms, system \(.system * 1000 | round) ms"
          + "\t\(.median / $first * 100 | round / 100) x\t\(.command)"' "$name.json"
}

# Says so where caches can't be dropped: then there is no cold run.
cold='sync; echo 3 > /proc/sys/vm/drop_caches'

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"
python3 "$gentree" many --repos 100 --tags 90 --layers 10 --shared 0.1 --min-size 64 --max-size 128 >/dev/null
echo "# $(find many -name data | wc -l) blobs, $(find many -name link | wc -l) links"
bench structure true "$regtree --root many fsck" 'find many >/dev/null'
/usr/bin/time -f 'memory\t%M KiB\tfsck' "$regtree" --root many fsck >/dev/null

python3 "$gentree" large --repos 4 --tags 10 --layers 6 --shared 0.3 --min-size 1000000 --max-size 20000000 --seed 3 \
    >/dev/null
find large -name data -print0 > files
echo "# $(du -sh large | cut -f1) in $(tr -dc '\0' < files | wc -c) blobs"
openssl='xargs -0 openssl dgst -sha256 < files >/dev/null'
bench content true "$regtree --root large fsck --content" "$openssl"
/usr/bin/time -f 'memory\t%M KiB\tfsck --content' "$regtree" --root large fsck --content >/dev/null
if [ -w /proc/sys/vm/drop_caches ]; then
    WARMUP=0 RUNS=${RUNS:-5} bench cold "$cold" "$regtree --root large fsck --content" \
        'xargs -0 cat < files >/dev/null' "$openssl"
fi
head -c 1073741824 /dev/urandom > big
"$regtree" init one >/dev/null
"$regtree" --root one blob put lib/app big >/dev/null
/usr/bin/time -f 'memory\t%M KiB\tfsck --content of one blob of 1 GiB' "$regtree" --root one fsck --content >/dev/null
