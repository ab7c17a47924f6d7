#!/usr/bin/env bash
# `manifest verify --all` of 100,000 manifests against asking a registry for each of them: `skopeo inspect` of some and HTTP
# HEADs of more, by one curl over one connection, from the same tree, in one run.
#   benches/manifests.sh [DIRECTORY]     needs hyperfine, jq, curl, skopeo, docker-registry and python3, and 6 GiB free
#   TREE=/path benches/manifests.sh      on a tree that is there already, which is only read
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
tree=${TREE:-$work/tree}
[ -n "${TREE:-}" ] || python3 benches/genmanifests.py "$tree" 10 10000 >/dev/null

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: 127.0.0.1:%s}\n' \
    "$tree" "$port" > "$work/config.yml"
docker-registry serve "$work/config.yml" >/dev/null 2>&1 &
registry=$!
until curl -sf "http://127.0.0.1:$port/v2/" >/dev/null; do sleep 0.1; done

repository=$("$regtree" --root "$tree" repo list | head -1)
count=$("$regtree" --root "$tree" repo list --long --json | jq -s 'map(.revisions) | add')
"$regtree" --root "$tree" manifest list "$repository" --json | jq -r .digest > "$work/digests"
heads=$(wc -l < "$work/digests")
sed "s|.*|url = \"http://127.0.0.1:$port/v2/$repository/manifests/&\"|" "$work/digests" > "$work/heads"
accept='Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'
image="docker://127.0.0.1:$port/$repository@$(head -1 "$work/digests")"

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T "$tree")"
hyperfine --shell=none --warmup 1 --runs "${RUNS:-5}" --export-json "$work/result.json" \
    "$regtree --root $tree manifest verify --all" \
    "curl -sfI -o /dev/null -H '$accept' -K $work/heads" \
    "skopeo inspect --tls-verify=false $image" >/dev/null 2>&1 || cat "$work/result.json"
jq -r --argjson counts "[$count, $heads, 1]" '.results | to_entries[] | .key as $i
    | "\(.value.median * 1000 | round) ms\t\($counts[$i]) manifests\t\(.value.median * 1e6 / $counts[$i] | round) us each\t"
      + (.value.command | split(" ")[0] | split("/") | last)' "$work/result.json"
/usr/bin/time -f '%M KiB at most' "$regtree" --root "$tree" manifest verify --all >/dev/null
