#!/bin/bash
# Fuzzes devices and decoders with libFuzzer under the address sanitizer; `make fuzz` runs it.
#
#   fuzz.sh [TARGET…]                builds, and gives every target, or these, RUNS inputs (a million), JOBS targets at a time
#   fuzz.sh --repeat TARGET FILE…    runs these inputs again
#   fuzz.sh --minimise               writes the kept corpora anew, from what is in them and what was found since
#
# A finding leaves its input in .build/fuzz-findings, and the command that repeats it is printed. What an input may take: a
# second, and 64 MiB at once; a process may have 512 MiB.
set -euo pipefail
cd "$(dirname "$0")/../.."
kept=Tests/Fuzz/corpora
found=.build/fuzz-corpora
findings=.build/fuzz-findings
program=${FUZZER:-.build/fuzz/release/pvbench-fuzz}
limits=(-timeout=1 -rss_limit_mb=512 -malloc_limit_mb=64 -max_len=256 -entropic=0)
# The sanitizer's quarantine would be most of the memory, and its stacks most of the time; a crash must not wait for Swift's
# own backtrace.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:malloc_context_size=1:detect_stack_use_after_return=0
export SWIFT_BACKTRACE=enable=no

build() {
  local library
  library=$(find "$(dirname "$(readlink -f "$(command -v swiftc)")")/../lib" -name 'libclang_rt.fuzzer_no_main*x86_64.a' -print -quit)
  [ -n "$library" ] || { echo "fuzz.sh: this Swift has no libFuzzer" >&2; exit 69; }
  PVBENCH_FUZZ=1 swift build -c release --scratch-path .build/fuzz --product pvbench-fuzz --sanitize address \
    -Xswiftc -enable-testing -Xswiftc -sanitize-coverage=edge,inline-8bit-counters,pc-table \
    -Xlinker "$library" -Xlinker -lstdc++ 2>&1 | { grep -v 'Cannot export local symbol' || true; } >&2
}

# One target; its line of the table.
run() {
  local target=$1 log=$findings/$1.log start=$SECONDS
  mkdir -p "$found/$target" "$kept/$target"
  if ! PVBENCH_FUZZ_TARGET=$target "$program" "${limits[@]}" -runs="${RUNS:-1000000}" -print_final_stats=1 \
    -artifact_prefix="$findings/$target-" "$found/$target" "$kept/$target" > "$log" 2>&1; then
    tail -40 "$log" >&2
    echo "fuzz.sh: $target failed; repeat it with: Tests/Fuzz/fuzz.sh --repeat $target" \
      "$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)" >&2
    exit 1
  fi
  value() { sed -n "s/^stat::$1: *//p" "$log"; }
  printf '%-14s %10s %8s %8s %10s\n' "$target" "$(value number_of_executed_units)" $((SECONDS - start)) \
    "$(value new_units_added)" "$(value peak_rss_mb)"
}

minimise() {
  local target
  for target in $("$program" --targets); do
    mkdir -p "$kept/$target" "$found/$target" "$found/$target.merged"
    PVBENCH_FUZZ_TARGET=$target "$program" -set_cover_merge=1 -use_counters=0 "${limits[@]}" \
      "$found/$target.merged" "$kept/$target" "$found/$target" > "$findings/$target.log" 2>&1
    rm -rf "${kept:?}/$target"
    mv "$found/$target.merged" "$kept/$target"
  done
}

mkdir -p "$findings"
case ${1:-} in
--run) run "$2" ;;
--repeat)
  build
  PVBENCH_FUZZ_TARGET=$2 "$program" "${limits[@]}" "${@:3}"
  ;;
--minimise)
  build
  minimise
  ;;
*)
  build
  [ $# -gt 0 ] || mapfile -t targets < <("$program" --targets)
  [ $# -eq 0 ] || targets=("$@")
  printf '%-14s %10s %8s %8s %10s\n' target inputs seconds new 'peak MiB'
  printf '%s\n' "${targets[@]}" | xargs -P "${JOBS:-$(nproc)}" -I{} Tests/Fuzz/fuzz.sh --run {}
  ;;
esac
