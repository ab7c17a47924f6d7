#!/usr/bin/env bash
# A 2 GiB blob appended in 64 pieces by 64 processes, against hashing it once and against copying and syncing it.
#   benches/uploads.sh [DIRECTORY]     needs openssl and 6 GiB free in DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=$PWD/target/release/regtree
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
pieces=64
piece=$((32 * 1024 * 1024))

head -c $((pieces * piece)) /dev/urandom > big
split -b $piece -d -a 2 big piece.
digest=sha256:$(openssl dgst -sha256 -r big | cut -d' ' -f1)
"$regtree" init tree >/dev/null
export REGTREE_ROOT=$PWD/tree

in_pieces() {
    local id offset=0
    id=$("$regtree" upload start lib/app)
    for part in piece.*; do
        "$regtree" upload resume lib/app "$id" "$part" --offset $offset >/dev/null
        offset=$((offset + piece))
    done
    "$regtree" upload commit lib/app "$id" --digest "$digest" >/dev/null
    rm -rf tree/docker/registry/v2/blobs/sha256/*
}

# runs NAME COMMAND: the median of five, in seconds
runs() {
    local name=$1 begin
    shift
    for _ in 1 2 3 4 5; do
        rm -f copy
        sync
        begin=$(date +%s%N)
        "$@"
        echo $((($(date +%s%N) - begin) / 1000000))
    done | sort -n | sed -n 3p | sed "s|\$| ms\t$name|"
}

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"
runs "upload start, 64 x resume, commit: 2 GiB" in_pieces
runs "openssl dgst -sha256" sh -c 'openssl dgst -sha256 big >/dev/null'
runs "cp and sync" sh -c 'cp big copy; sync copy'
