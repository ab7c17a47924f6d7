#!/usr/bin/env bash
# Installs what the tests need, where it is missing, and runs them all. Arguments go to `cargo test`; `--later DAYS` before
# them runs the tests so many days later; `--browser` first installs Chromium too (an 80 MB download), without which the tests of the page
# in a browser are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
command -v cargo >/dev/null || { echo 'tests/run.sh: install Rust 1.95 or later first (rustup.rs)' >&2; exit 1; }

# command=package; the peers first: the real registry, the client that pulls from it, and what else takes images (20 MB)
wanted=(docker-registry=docker-registry skopeo=skopeo umoci=umoci podman=podman buildah=buildah
        curl=curl cc=gcc mkfifo=coreutils prlimit=util-linux setpriv=util-linux
        script=bsdutils unshare=util-linux strace=strace tar=tar)
if [ "${1-}" = --browser ]; then
    wanted+=(chromium=chromium)
    export REGTREE_TEST_BROWSER=required
    shift
fi
missing=()
for pair in "${wanted[@]}"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair##*=}")
done
# Debian's gcc only recommends the C library that it links with.
[[ " ${missing[*]-} " != *' gcc '* ]] || missing+=(libc6-dev)
if [ ${#missing[@]} -gt 0 ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    echo "tests/run.sh: installing ${missing[*]}"
    $sudo apt-get update -q >/dev/null
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null
fi

# Thousands of small trees are made, synced and removed: in memory where there is room, and programs may run from it.
if [ -z "${TMPDIR-}" ] && [ "$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)" -gt 4000000 ] 2>/dev/null; then
    scratch=$(mktemp -d -p /dev/shm regtree-tests.XXXXXX)
    trap 'rm -rf "$scratch"' EXIT
    chmod 711 "$scratch"
    if cp "$(type -P true)" "$scratch" && "$scratch/true"; then
        export TMPDIR=$scratch
    fi
fi

if [ "${1-}" = --later ]; then
    later=$(mktemp -d)
    trap 'rm -rf "$later" ${scratch+"$scratch"}' EXIT
    chmod 755 "$later"
    cc -O1 -Wall -Wextra -Werror -shared -fPIC "-DDAYS=$2" -o "$later/shift.so" tests/later/shift.c
    moved=$(($(LD_PRELOAD=$later/shift.so date +%s) - $(date +%s)))
    [ "$moved" -ge $(($2 * 86400)) ] || { echo 'tests/run.sh: the preloaded library does not move the clock' >&2; exit 1; }
    host=$(rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)
    # The tests alone live later, not what builds them. rustix has to call the C library, which is where time is moved.
    export "CARGO_TARGET_${host}_RUNNER=env LD_PRELOAD=$later/shift.so"
    shift 2
    set -- --features rustix/use-libc "$@"
fi

# Most tests wait now and then: for a disk, a registry, another process.
export RUST_TEST_THREADS=${RUST_TEST_THREADS-$(($(nproc) * 2))}
cargo test --locked "$@"
