#!/usr/bin/env bash
# The blob commands against the tools that do the least that must be done, in one run, warm cache.
#   benches/blobs.sh [DIRECTORY]     needs hyperfine, jq, openssl and python3, and 4 GiB free in DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=$PWD/target/release/regtree
gentree=$PWD/benches/gentree.py
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"

# bench NAME PREPARE COMMAND…: medians in milliseconds, one line each
bench() {
    local name=$1 prepare=$2
    shift 2
    hyperfine --shell=default --warmup 2 --runs "${RUNS:-10}" --prepare "$prepare" --export-json "$name.json" "$@" \
        >/dev/null 2>&1
    jq -r --arg name "$name" '.results[] | "\($name)\t\(.median * 1000 | . * 10 | round / 10) ms\t\(.command)"' \
        "$name.json"
}

head -c 1073741824 /dev/urandom > big
"$regtree" init tree >/dev/null
export REGTREE_ROOT=$PWD/tree
digest=$("$regtree" blob put lib/app big)
data=$(find tree -name data)
hex=${digest#sha256:}

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"
bench put "rm -rf tree/docker/registry/v2/blobs/sha256/${hex:0:2} copy; sync" \
    "$regtree blob put lib/app big" 'openssl dgst -sha256 big' 'cp big copy; sync copy'
"$regtree" blob put lib/app big >/dev/null
bench get 'rm -f copy' "$regtree blob get lib/app $digest -o copy" "openssl dgst -sha256 $data"
rm -f copy big

hyperfine --shell=none --warmup 50 --runs 500 --export-json stat.json \
    "$regtree blob stat lib/app $digest" "/usr/bin/stat $data" >/dev/null 2>&1
jq -r '.results[] | "stat\t\(.median * 1000 * 100 | round / 100) ms\t\(.command)"' stat.json

/usr/bin/time -f 'memory\t%M KiB\tblob get of 1 GiB' "$regtree" blob get lib/app "$digest" -o copy
/usr/bin/time -f 'memory\t%M KiB\tblob put of 1 GiB' "$regtree" blob put lib/other copy >/dev/null
rm -rf tree copy

python3 "$gentree" tree --repos 100 --tags 60 --layers 20 --min-size 64 --max-size 128 >/dev/null
echo "# $("$regtree" blob list | wc -l) blobs"
bench list true "$regtree blob list" 'find tree/docker/registry/v2/blobs -name data' "$regtree blob list --long"
