# Sourced by ./demo and ./test: how programs are built here.
#
# Everything is linked statically, so that what is tested is also what goes into images, which hold one file each and no libc.

export CARGO_BUILD_TARGET="${CARGO_BUILD_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}"
export RUSTFLAGS="${RUSTFLAGS:--C target-feature=+crt-static}"
# The same cases at every run: a property that fails now and then is looked for with other seeds, by hand.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-20261123}"
export TRIMTAB_CACHE="${TRIMTAB_CACHE:-$HOME/.cache/trimtab}"

# Says what a step is, and how long it took.
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n==> %s\n' "$name"
    "$@"
    printf '<== %s: %d s\n' "$name" $((SECONDS - began))
}

# Ends with a list of what this machine lacks, if it lacks something.
need() {
    local missing=()
    command -v cargo >/dev/null || missing+=("Rust (rustup, the toolchain is in rust-toolchain.toml)")
    command -v go >/dev/null || missing+=("Go 1.26 or later, which builds the Kubernetes components once")
    command -v cc >/dev/null || missing+=("a C compiler (Debian: gcc)")
    [ "$(id -u)" = 0 ] || missing+=("root: a node needs namespaces, mounts and control groups")
    if [ ${#missing[@]} -gt 0 ]; then
        printf 'This machine lacks:\n'
        printf '  - %s\n' "${missing[@]}"
        exit 2
    fi
}

# Installs a Debian package that is not there; says what is missing where it cannot. Further words are options of apt-get.
package() {
    dpkg -s "$1" >/dev/null 2>&1 && return
    command -v apt-get >/dev/null || { printf 'missing: the Debian package %s (%s)\n' "$1" "$2"; exit 2; }
    local install=(apt-get install -y -qq "${@:3}" "$1")
    "${install[@]}" >/dev/null 2>&1 || { apt-get update -qq >/dev/null && "${install[@]}" >/dev/null; }
}

# The trainer is a workspace of its own, so that burn's dependencies never slow down work on the operator.
build_trainer() {
    cargo build --locked --release --manifest-path trainer/Cargo.toml
}

root="$(pwd)"
TRAINER="$root/trainer/target/$CARGO_BUILD_TARGET/release/trimtab-trainer"
PROGRAMS="$root/target/$CARGO_BUILD_TARGET/debug"
