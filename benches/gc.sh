#!/usr/bin/env bash
# `gc` against Debian's `docker-registry garbage-collect`, same trees, one run, warm cache.
#   benches/gc.sh [DIRECTORY]     needs hyperfine, jq, docker-registry and python3, and 6 GiB free in DIRECTORY
#   ONLY=many|one|growth          only these trees
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
here=$PWD
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
only=${ONLY:-all}

generate() { python3 "$here/benches/gentree.py" "$@" --min-size 64 --max-size 128 >/dev/null; }

configure() {
    printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: true\n' "$PWD/$1" > "$1.yml"
}

# medians of both, in milliseconds, and their ratio; then the most memory that each takes
compare() {
    local name=$1 tree=$2 runs=$3 theirs=$4 ours=$5
    hyperfine --shell=none --warmup 1 --runs "$runs" --export-json result.json \
        "docker-registry garbage-collect $theirs $tree.yml" "$regtree --root $tree gc --min-age 0 $ours" >/dev/null 2>&1
    jq -r --arg name "$name" '[.results[].median * 1000 | round] |
        "\($name)\tregistry \(.[0]) ms\tregtree \(.[1]) ms\t\(.[0] / .[1] | round) times"' result.json
    # shellcheck disable=SC2086
    /usr/bin/time -f "$name\tregistry %M KiB" docker-registry garbage-collect $theirs "$tree.yml" >/dev/null 2>log
    tail -1 log
    # shellcheck disable=SC2086
    /usr/bin/time -f "$name\tregtree %M KiB" "$regtree" --root "$tree" gc --min-age 0 $ours >/dev/null 2>log
    tail -1 log
}

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"

if [ "$only" = all ] || [ "$only" = many ]; then
    generate many --repos 100 --tags 90 --layers 10 --shared 0.1 --untagged 0.1 --indexes 50
    configure many
    echo "# $("$regtree" --root many blob list | wc -l) blobs"
    compare 'dry run' many 5 --dry-run --dry-run
    compare 'dry run, untagged' many 3 '--delete-untagged --dry-run' '--delete-untagged --dry-run'
    cargo bench --quiet --manifest-path "$here/Cargo.toml" --bench gc_floor -- "$PWD/many" | sed 's/^/floor: /'
    for round in 1 2 3; do
        for who in registry regtree; do
            rm -rf real && cp -a many real && configure real && sync
            case $who in
            registry) command=(docker-registry garbage-collect real.yml) ;;
            regtree) command=("$regtree" --root real gc --min-age 0) ;;
            esac
            /usr/bin/time -f "real run $round\t$who %e s" "${command[@]}" >/dev/null 2>log
            tail -1 log
        done
    done
    rm -rf many real
fi

if [ "$only" = all ] || [ "$only" = one ]; then
    generate one --repos 1 --tags 2000 --layers 2 --untagged 1
    configure one
    compare 'one repository, untagged' one 1 '--delete-untagged --dry-run' '--delete-untagged --dry-run'
    rm -rf one
fi

if [ "$only" = all ] || [ "$only" = growth ]; then
    for repos in 10 100 1000; do
        generate tree --repos "$repos" --tags 90 --layers 10 --shared 0.1 --untagged 0.1
        count=$("$regtree" --root tree blob list | wc -l)
        hyperfine --shell=none --warmup 1 --runs 5 --export-json result.json \
            "$regtree --root tree gc --min-age 0 --dry-run" >/dev/null 2>&1
        jq -r --arg count "$count" \
            '.results[0].median * 1000 | round | "growth\t\($count) blobs\t\(.) ms"' result.json
        /usr/bin/time -f "growth\t$count blobs\t%M KiB" "$regtree" --root tree gc --min-age 0 -n >/dev/null 2>log
        tail -1 log
        rm -rf tree
    done
fi
