#!/usr/bin/env bash
# du of a tree of about 100,000 blobs against the system's own du, in one run, warm cache.
#   benches/du.sh [DIRECTORY]     needs hyperfine, jq and python3, and 3 GiB free in DIRECTORY
#   TREE=/path benches/du.sh      on a tree that is there already, which is only read
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
tree=${TREE:-$work/tree}
if [ -z "${TREE:-}" ]; then
    python3 benches/gentree.py "$tree" --repos 100 --tags 60 --layers 20 --min-size 64 --max-size 128 >/dev/null
fi

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T "$tree")"
echo "# $("$regtree" --root "$tree" blob list | wc -l) blobs"
of=("$tree/docker/registry/v2")
if [ -d "$tree/.regtree" ]; then of+=("$tree/.regtree"); fi
said=$(du -sc --block-size=1 "${of[@]}" | tail -1 | cut -f1)
found=$("$regtree" --root "$tree" du --json | jq .tree.total)
echo "# du -s: $said bytes, regtree du: $found bytes"
hyperfine --shell=none --warmup 1 --runs "${RUNS:-10}" --export-json "$work/du.json" \
    "du -s ${of[*]}" "$regtree --root $tree du" "$regtree --root $tree du --tags" "$regtree --root $tree du --layers" \
    >/dev/null 2>&1
jq -r '.results[] | "\(.median * 1000 | round) ms\t\(.command)"' "$work/du.json"
/usr/bin/time -f '%M KiB at most' "$regtree" --root "$tree" du >/dev/null
