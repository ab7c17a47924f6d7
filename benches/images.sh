#!/usr/bin/env bash
# Images in and out against the tools that do the least that must be done, and against skopeo with Debian's
# `docker-registry` on loopback; in one run, warm cache.
#   benches/images.sh [DIRECTORY]     needs hyperfine, jq, skopeo, docker-registry and python3, and 8 GiB free in DIRECTORY
#   ONLY=import|export|docker|copy    only these; RUNS=5
#   REFLINK=1                         with the export also on a btrfs in a loop device, as root
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --locked --quiet
regtree=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
here=$PWD
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
registry=
leave() {
    cd /
    [ -z "$registry" ] || { kill "$registry" && wait "$registry"; } 2>/dev/null || true
    ! mountpoint -q "$work/reflinked" || umount "$work/reflinked"
    rm -rf "$work"
}
trap leave EXIT
cd "$work"
only=${ONLY:-all}
skopeo='skopeo --insecure-policy copy --quiet'

# bench NAME PREPARE COMMAND…: medians in milliseconds, and how often the first fits into each
bench() {
    local name=$1 prepare=$2
    shift 2
    hyperfine --shell=default --warmup 1 --runs "${RUNS:-5}" --prepare "$prepare" --export-json result.json "$@" \
        >/dev/null 2>log || { cat log >&2; exit 1; }
    jq -r --arg name "$name" '.results as $all | $all[] |
        "\($name)\t\(.median * 1000 | round) ms\t\(.median / $all[0].median * 100 | round / 100) x\t\(.command)"' result.json
}

# memory NAME COMMAND…: the most that a command takes
memory() {
    local name=$1
    shift
    /usr/bin/time -f "memory\t%M KiB\t$name" "$@" >/dev/null 2>log || { cat log >&2; exit 1; }
    tail -1 log
}

# serve TREE: a registry on this tree, whose address is $address then
serve() {
    [ -z "$registry" ] || { kill "$registry"; wait "$registry" 2>/dev/null || true; }
    address=localhost:$((20000 + RANDOM % 20000))
    printf 'version: 0.1\nlog:\n  level: error\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: %s\n' \
        "$PWD/$1" "$address" > registry.yml
    docker-registry serve registry.yml >/dev/null 2>&1 &
    registry=$!
    for _ in $(seq 100); do ! skopeo list-tags --tls-verify=false "docker://$address/none" 2>&1 | grep -q refused && return; sleep 0.1; done
    echo 'the registry does not come up' >&2
    exit 1
}

fresh() { echo "rm -rf tree copy peer/docker; $regtree init tree >/dev/null; sync"; }

# A layout of one image of eight layers of 128 MiB each.
generate() {
    python3 - <<'PYTHON'
import hashlib, json, os

os.makedirs("layout/blobs/sha256")

def blob(media_type, content):
    digest = hashlib.sha256(content).hexdigest()
    open(f"layout/blobs/sha256/{digest}", "wb").write(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

oci = "application/vnd.oci.image"
layers = [blob(f"{oci}.layer.v1.tar", os.urandom(128 << 20)) for _ in range(8)]
rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
config = blob(f"{oci}.config.v1+json", json.dumps(config).encode())
manifest = {"schemaVersion": 2, "mediaType": f"{oci}.manifest.v1+json", "config": config, "layers": layers}
manifest = blob(f"{oci}.manifest.v1+json", json.dumps(manifest).encode())
manifest["annotations"] = {"org.opencontainers.image.ref.name": "lib/app:v1"}
json.dump({"schemaVersion": 2, "manifests": [manifest]}, open("layout/index.json", "w"))
open("layout/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
PYTHON
}

echo "# $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"

if [ "$only" = all ] || [ "$only" = import ] || [ "$only" = export ]; then
    generate
    export REGTREE_ROOT=$PWD/tree
    mkdir peer
    serve peer
fi

if [ "$only" = all ] || [ "$only" = import ]; then
    bench 'import 1 GiB' "$(fresh)" "$regtree import layout" 'openssl dgst -sha256 layout/blobs/sha256/*' \
        'cp -r --reflink=never layout copy; sync -f copy' \
        "$skopeo --dest-tls-verify=false oci:layout:lib/app:v1 docker://$address/lib/app:v1"
    eval "$(fresh)"
    memory 'import 1 GiB' "$regtree" import --quiet layout
    tar -cf layout.tar -C layout oci-layout index.json blobs
    bench 'import 1 GiB in a tar' "$(fresh)" "$regtree import layout.tar" "cat layout.tar | $regtree import -" \
        'tar -xf layout.tar --one-top-level=copy; sync -f copy' \
        "$skopeo --dest-tls-verify=false oci-archive:layout.tar:lib/app:v1 docker://$address/lib/app:v1"
    eval "$(fresh)"
    memory 'import 1 GiB in a tar' "$regtree" import --quiet layout.tar
    rm -f layout.tar
fi

# Exports 1 GiB to a layout in a directory, which is on the file system of the tree.
bench_export() {
    local name=$1
    "$regtree" init tree >/dev/null
    "$regtree" --root tree import --quiet "$work/layout" >/dev/null
    serve tree
    bench "$name" 'rm -rf out; sync' "$regtree --root tree export lib/app:v1 -o out" 'openssl dgst -sha256 tree/docker/registry/v2/blobs/*/*/*/data' \
        'cp -r --reflink=never tree/docker/registry/v2/blobs out; sync -f out' \
        "$skopeo --src-tls-verify=false docker://$address/lib/app:v1 oci:out:lib/app:v1"
    rm -rf out
    memory "$name" "$regtree" --root tree export lib/app:v1 -o out
    bench "$name again" true "$regtree --root tree export lib/app:v1 -o out"
    rm -rf out
    bench "$name to a tar" 'rm -f out.tar; sync' "$regtree --root tree export lib/app:v1 -o out.tar" \
        'tar -cf out.tar tree/docker/registry/v2/blobs; sync out.tar' \
        "$skopeo --src-tls-verify=false docker://$address/lib/app:v1 oci-archive:out.tar:lib/app:v1"
    rm -rf out.tar tree
}

if [ "$only" = all ] || [ "$only" = export ]; then
    rm -rf tree
    bench_export 'export 1 GiB'
    if [ -n "${REFLINK-}" ]; then
        truncate -s 4G disk
        mkfs.btrfs -q disk >/dev/null 2>&1
        mkdir reflinked
        mount -o loop disk reflinked
        cd reflinked
        bench_export 'export 1 GiB, btrfs'
        kill "$registry"
        wait "$registry" 2>/dev/null || true
        registry=
        cd ..
        umount reflinked
        rm -f disk
    fi
fi

if [ "$only" = all ] || [ "$only" = docker ]; then
    # What compresses, as layers do.
    { tar -c -C / usr/lib 2>/dev/null || true; } | head -c $((512 << 20)) > layer.tar
    diff_id=$(openssl dgst -sha256 -r layer.tar | cut -d' ' -f1)
    printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$diff_id" > config.json
    printf '[{"Config":"config.json","RepoTags":["lib/app:v1"],"Layers":["layer.tar"]}]' > manifest.json
    tar -cf saved.tar layer.tar config.json manifest.json
    echo "# a layer of $(stat -c %s layer.tar) bytes"
    rm -f layer.tar
    bench 'import a docker archive' "rm -rf tree out; $regtree init tree >/dev/null; sync" \
        "$regtree --root tree import saved.tar" "$skopeo docker-archive:saved.tar oci:out:lib/app:v1"
    rm -rf tree
    "$regtree" init tree >/dev/null
    memory 'import a docker archive' "$regtree" --root tree import --quiet saved.tar
    # How much each compresses it to, in MiB.
    du -sm tree/docker/registry/v2/blobs out/blobs
    bench 'export a docker archive' 'rm -f out.tar; sync' \
        "$regtree --root tree export lib/app:v1 --format docker-archive -o out.tar" \
        "$skopeo oci:out:lib/app:v1 docker-archive:out.tar:lib/app:v1"
    memory 'export a docker archive' "$regtree" --root tree export lib/app:v1 --format docker-archive -o out.tar
    rm -rf tree out saved.tar out.tar
fi

if [ "$only" = all ] || [ "$only" = copy ]; then
    python3 "$here/benches/gentree.py" many --repos 1 --tags 1000 --layers 5 --min-size 64 --max-size 128 >/dev/null
    name=$("$regtree" --root many repo list)
    bench 'repo copy of 1,000 tags' 'rm -rf many/docker/registry/v2/repositories/copied; sync' \
        "$regtree --root many repo copy $name copied" \
        "cp -r many/docker/registry/v2/repositories/$name many/docker/registry/v2/repositories/copied; sync"
    rm -rf many/docker/registry/v2/repositories/copied
    memory 'repo copy of 1,000 tags' "$regtree" --root many repo copy "$name" copied
fi
