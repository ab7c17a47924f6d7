#!/usr/bin/env bash
# What people install: the crate's package passes its own tests; the Debian package is built, installed, run and removed;
# the static program runs, alone and in a container. `.ci/run --all` calls it as root; it says what it could not try.
set -euo pipefail
cd "$(dirname "$0")/.."

left_out() { echo "tests/packaging.sh: NOT TRIED: $*"; }
fail() { echo "tests/packaging.sh: $*" >&2; exit 1; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A program at work: it makes a tree, finds the damage in it, and repairs that.
try() {
    rm -rf "$scratch/tree"
    "$@" demo "$scratch/tree" --quiet > "$scratch/shown"
    ! "$@" --root "$scratch/tree" fsck > "$scratch/shown" 2>&1 || fail "$* does not find the damage"
    "$@" --root "$scratch/tree" blob put demo/web "$scratch/tree/original-layer.tar" > "$scratch/shown"
    "$@" --root "$scratch/tree" fsck --content > "$scratch/shown"
    "$@" --root "$scratch/tree" gc --min-age 0 --delete-untagged > "$scratch/shown"
}

package() {
    cargo package --locked --no-verify --allow-dirty --target-dir "$scratch/package"
    tar -xf "$scratch"/package/package/regtree-*.crate -C "$scratch"
    # The other tests would take as long as those of the clone.
    (cd "$scratch"/regtree-*/ && cargo test --locked --lib --target-dir "$scratch/package")
}

debian() {
    command -v cargo-deb >/dev/null || cargo install --locked cargo-deb || { left_out 'the Debian package: no cargo-deb'; return; }
    # packaging/deb asks cargo with it which packages the program is linked with.
    command -v jq >/dev/null || apt-get install -qy --no-install-recommends jq || { left_out 'the Debian package: no jq'; return; }
    packaging/deb --output "$scratch"
    local deb; deb=$(echo "$scratch"/regtree_*.deb)
    [ "$(stat -c %s target/release/regtree)" -lt 9000000 ] || fail 'the program has 9 MB or more'
    [ "$(id -u)" = 0 ] || { left_out 'to install the Debian package: not root'; return; }
    ! dpkg -s regtree >/dev/null 2>&1 || { left_out 'to install the Debian package: it is there already'; return; }
    apt-get install -qy --no-install-recommends "$deb"
    try /usr/bin/regtree
    # Not piped: a grep that has found it would end dpkg by a signal.
    local installed; installed=$(dpkg -L regtree)
    for page in regtree regtree-gc regtree-layout regtree-safety regtree-json; do
        grep -q "/$page\.[17]\.gz$" <<< "$installed" || fail "no page $page"
    done
    for file in bash-completion/completions/regtree zsh/vendor-completions/_regtree fish/vendor_completions.d/regtree.fish \
        doc/regtree/README.md doc/regtree/NOTICE doc/regtree/copyright; do
        grep -q "^/usr/share/$file" <<< "$installed" || fail "no $file"
    done
    if command -v systemd-analyze >/dev/null; then
        for unit in gc fsck; do
            systemd-analyze verify "regtree-$unit.service" "regtree-$unit.timer" 2>&1 | tee "$scratch/verified"
            ! grep -q regtree "$scratch/verified" || fail "systemd does not take regtree-$unit"
            ! systemctl is-enabled "regtree-$unit.timer" 2>/dev/null || fail "regtree-$unit.timer is enabled"
        done
    else
        left_out 'the systemd units: no systemd-analyze'
    fi
    # The commands of the units, as they stand there.
    for unit in gc fsck; do
        sed -n 's/^ExecStart=//p' "/usr/lib/systemd/system/regtree-$unit.service" "/lib/systemd/system/regtree-$unit.service" 2>/dev/null |
            sort -u | while read -r command; do REGTREE_ROOT=$scratch/tree $command; done
    done
    local files; mapfile -t files < <(dpkg -L regtree)
    apt-get purge -qy regtree
    for file in "${files[@]}"; do [ -d "$file" ] || [ ! -e "$file" ] || fail "$file is left"; done
}

static() {
    local target; target=$(uname -m)-unknown-linux-musl
    grep -qx "$target" <<< "$(rustup target list --installed 2>/dev/null)" || { left_out "the static program: no $target"; return; }
    command -v musl-gcc >/dev/null || { left_out 'the static program: no musl-gcc (musl-tools)'; return; }
    cargo build --locked --release --target "$target"
    local program=target/$target/release/regtree
    ! readelf -d "$program" | grep NEEDED || fail 'the program is not static'
    try "$program"
    command -v buildah >/dev/null || { left_out 'the container: no buildah'; return; }
    mkdir "$scratch/context"
    cp "$program" packaging/Containerfile "$scratch/context"
    buildah build --isolation chroot -t regtree-test "$scratch/context" || { left_out 'the container: buildah does not run here'; return; }
    # The image's only file, in a root of its own, with the tree where the image expects it.
    local container; container=$(buildah from --pull-never regtree-test)
    "$program" demo "$scratch/mounted" --quiet > "$scratch/shown"
    if buildah run --isolation chroot --volume "$scratch/mounted:/var/lib/registry" "$container" -- /usr/bin/regtree repo list > "$scratch/shown"; then
        diff <(printf 'demo/app\ndemo/web\n') "$scratch/shown" || fail 'the container does not list the repositories'
    else
        left_out 'to run the container: buildah can not'
    fi
    buildah rm "$container" >/dev/null
    buildah rmi regtree-test >/dev/null
}

if [ $# = 0 ]; then set -- package debian static; fi
for part; do "$part"; done
