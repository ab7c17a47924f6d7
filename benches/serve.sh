#!/usr/bin/env bash
# `regtree serve` against docker-registry on one tree, in one run: small manifests, a large blob, and many slow clients.
#   benches/serve.sh [DIRECTORY]   needs wrk, docker-registry and python3, and 2 GiB free in DIRECTORY
#   REGTREE=/path                  the program, if not a fresh release build
# wrk and the server share the cores, as clients on the same machine do.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${REGTREE:-}" ]; then
    cargo build --release --locked --quiet
    REGTREE=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
fi
regtree=$(realpath "$REGTREE")
seconds=${SECONDS_EACH:-5}
work=$(mktemp -d -p "${1:-/var/tmp}" regtree-bench.XXXXXX)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"

"$regtree" init tree >/dev/null
export REGTREE_ROOT=$PWD/tree
head -c 1073741824 /dev/urandom > big
blob=$("$regtree" blob put lib/app big)
config=$(printf '{}' | "$regtree" blob put lib/app -)
layer="{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"$blob\",\"size\":1073741824}"
printf '%s' "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"\
application/vnd.oci.image.config.v1+json\",\"digest\":\"$config\",\"size\":2},\"layers\":[$layer]}" |
    "$regtree" manifest put lib/app - --tag v1 >/dev/null
rm big

# start NAME COMMAND…: starts a server, and waits until it answers at $address
start() {
    "${@:2}" > "$1.log" 2>&1 &
    servers+=($!)
    pid=$!
    until curl -sf -o /dev/null "http://$address/v2/"; do
        kill -0 "$pid"
        sleep 0.1
    done
}

stop() {
    kill "$pid"
    wait "$pid" || true
}

# rate PATH CONNECTIONS FIELD: what wrk says of requests or bytes a second
rate() {
    wrk -t1 -c"$2" -d"${seconds}s" --timeout 60s -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
        "http://$address$1" | awk -v field="$3:" '$1 == field { print $2 }'
}

# slow: the memory in MiB of the server, with 256 clients that take a byte and no more, and the requests a second of another
slow() {
    python3 - "$address" "/v2/lib/app/blobs/$blob" "$pid" <<'PYTHON'
import http.client, socket, sys, time

address, path, pid = sys.argv[1:]
host, port = address.split(":")
clients = []
for _ in range(256):
    client = socket.create_connection((host, int(port)))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    clients.append(client)
for client in clients:
    client.recv(1)
# The system's buffers fill first.
time.sleep(4)
begin, count = time.monotonic(), 0
while time.monotonic() - begin < 2:
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("GET", "/v2/lib/app/tags/list")
    assert connection.getresponse().read()
    count += 1
status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status"))
print(f"{int(status['VmRSS'].split()[0]) / 1024:.0f} MiB, {count / 2:.0f} requests/s")
PYTHON
}

measure() {
    printf '| %s | %s | %s | %s | %s |\n' "$1" "$(rate /v2/lib/app/manifests/v1 16 Requests/sec)" \
        "$(rate "/v2/lib/app/blobs/$blob" 1 Transfer/sec)" "$(rate "/v2/lib/app/blobs/$blob" 8 Transfer/sec)" "$(slow)"
}

echo "$(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2-), $(nproc) cores, $(stat -f -c %T .)"
echo
echo '| server | manifest, requests/s, 16 clients | 1 GiB blob, one client | 8 clients | 256 slow clients; beside them |'
echo '|---|---|---|---|---|'
address=127.0.0.1:15555
start regtree "$regtree" serve --listen "$address" -q
measure 'regtree'
stop
start unverified "$regtree" serve --listen "$address" -q --no-verify
measure 'regtree --no-verify'
stop
cat > registry.yml <<CONFIG
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $PWD/tree}, maintenance: {uploadpurging: {enabled: false}}}
http: {addr: '$address', secret: x}
CONFIG
start registry docker-registry serve registry.yml
measure 'docker-registry'
stop
