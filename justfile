# What one does here every day. `just` alone lists it.

default:
    @just --list

# everything a change must pass; the same as CI, with the tools that are installed
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    @just deny
    cargo test --workspace

# dependencies: bans, licences, sources
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    if ! command -v cargo-deny >/dev/null; then
        echo "cargo-deny is not installed, so dependencies were not checked. To install it:" >&2
        echo "  cargo install --locked cargo-deny@0.20.2" >&2
        # A person may go on; a machine that skips a check must say so with its exit code.
        if [ -n "${CI:-}" ]; then exit 1; fi
        exit 0
    fi
    cargo deny check --hide-inclusion-graph bans licenses sources

# a second working copy beside this one, on a branch of its own: just worktree formatter
worktree NAME:
    git worktree add -b "{{NAME}}" "../{{file_name(justfile_directory())}}-{{NAME}}" main

# write a Nest of N eggs: just bench-nest 10000 /tmp/nest
bench-nest N DIR="target/bench-nest":
    cargo run --release -q -p nest-tests --bin bench-nest -- "{{N}}" "{{DIR}}"

# run the benchmarks: the compiler's doors one by one, then whole processes (with `cue` and `terraform` beside where they are on the PATH)
bench *ARGS:
    cargo bench -p nest-tests --bench compiler -- {{ARGS}}
    cargo build --release -q -p gosling-cli -p nest-tests --bins
    cargo run --release -q -p nest-tests --bin bench-validate
    cargo run --release -q -p nest-tests --bin bench-engine

# install gosling with its commit in `gosling version`
install:
    GOSLING_COMMIT="$(git rev-parse --short=12 HEAD)" cargo install --locked --path gosling-cli

# accept what the compiler says now as the expectation of every case file; read the diff before you commit it
bless:
    BLESS=1 cargo test -p nest-tests

# every slip of the pen in every example, about 12,000, where the ordinary tests try each seventh
mistakes:
    POLAR_GOSLING_MISTAKES=all cargo test -p nest-tests --test nest mistakes -- --nocapture

# every crash, power cut, lost answer and race, where the ordinary tests try some; docs/torture.md says what it proves
torture:
    #!/usr/bin/env bash
    set -euo pipefail
    POLAR_GOSLING_TORTURE_ROWS="$(mktemp)"
    export POLAR_GOSLING_TORTURE=all POLAR_GOSLING_TORTURE_ROWS
    # Printed also when something was found, for then it is wanted most.
    table() {
        local code=$? IFS=$'\t\n'
        set -f
        echo
        printf '%-76s %7s %8s %11s %13s %12s %6s\n' "test" cases orphans duplicates "lost secrets" "stuck locks" other \
            $(<"$POLAR_GOSLING_TORTURE_ROWS")
        rm -f "$POLAR_GOSLING_TORTURE_ROWS"
        [ "$code" = 0 ] || echo "FAILED: a test that ended before its table has no line here; its output is above" >&2
        echo "$((SECONDS / 60)) min $((SECONDS % 60)) s"
    }
    trap table EXIT
    failed=0
    # Hundreds of thousands of cases, and thousands of processes, are worth an optimised build.
    cargo test --profile torture -p gosling-engine --test engine torture -- --nocapture || failed=1
    cargo test --profile torture -p gosling-providers --test providers rotation || failed=1
    cargo test --profile torture -p nest-tests --test nest torture -- --nocapture || failed=1
    exit "$failed"

# boot a real Debian in QEMU from what apply uploads: root, debootstrap, qemu-system-x86, minutes
boot:
    #!/usr/bin/env bash
    set -euo pipefail
    for tool in debootstrap qemu-system-x86_64 mke2fs; do
        command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install debootstrap qemu-system-x86 e2fsprogs" >&2; exit 1; }
    done
    if [ -z "${GOSLING_STAND_IN_RUNNER:-}" ]; then
        target="${CARGO_TARGET_DIR:-$PWD/target}/stand-in-runner"
        CARGO_TARGET_DIR="$target" cargo build --locked --manifest-path tests/stand-in-runner/Cargo.toml
        export GOSLING_STAND_IN_RUNNER="$target/debug/stand-in-runner"
    fi
    POLAR_GOSLING_BOOT=1 cargo test -p nest-tests --test nest boot:: -- --nocapture

# fuzz one target until you stop it: just fuzz parse
fuzz TARGET *ARGS:
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "{{TARGET}}" {{ARGS}}
