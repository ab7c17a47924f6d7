#!/usr/bin/env bash
# Makes trees, runs regtree and its peers on them in turn, checks that they agree, and prints one Markdown table. Writes plots
# of time and memory against the size of the tree.
#   benches/run.sh [DIRECTORY] [OPTIONS]    see benches/run.py; needs python3, GNU time, docker-registry and openssl
#   REGTREE=/path                           the program, if not a fresh release build
set -euo pipefail
cd "$(dirname "$0")/.."
if [ -z "${REGTREE:-}" ]; then
    cargo build --release --locked --quiet
    REGTREE=${CARGO_TARGET_DIR:-$PWD/target}/release/regtree
    # What gc can't do without: the floor of its row.
    FLOOR=$(cargo bench --locked --bench gc_floor --no-run --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*gc_floor[^"]*\)".*/\1/p')
fi
export REGTREE FLOOR=${FLOOR:-}
exec python3 benches/run.py "$@"
