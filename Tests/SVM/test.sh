#!/bin/bash
# test.sh: every suite, briefly, under kvm_amd on an emulated AMD processor (see svm.sh), with the release build. Every cell must
# be ok, or skipped for a reason that is true there, and what takes hypercalls or KVM's end-of-interrupt flag must not be skipped.
# The run's folder is left in .build/svm/run.
set -euo pipefail
cd "$(dirname "$0")/../.."
programs=(.build/release/pvbench .build/release/pvbench-vm)
job=$(mktemp)
trap 'rm -f "$job"' EXIT

cat > "$job" <<'JOB'
./pvbench run --quick --reps 1 --quiet --out /data/results
code=$?
mv /data/results/*-svm-* out
exit $code
JOB
rm -rf .build/svm/run
# Now and then the emulator itself stops for good, both of its processors spinning. Then, and only then (125), there is another
# try: a job that ended is judged by what it said.
for try in 1 2 3 4; do
  code=0
  Tests/SVM/svm.sh -t 180 -o .build/svm/run "$job" "${programs[@]}" || code=$?
  [ $code = 125 ] || break
  echo "svm: try $try did not end"
done

passed=0 failed=0
check() { # NAME, and a command that must succeed
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}
status() { awk -F, -v w="$1" -v m="$2" '$3 == w && $4 == m {print $7; exit}' .build/svm/run/samples.csv; }
is_ok() { [ "$(status "$1" "$2")" = ok ]; }
no_other_reason() {
  ! grep -h -o '"reason" *: *"[^"]*"' .build/svm/run/repetitions/*.json | sort -u | grep -vE \
    'IDE has queue depth 1 only|needs net=virtio-net, this mode has e1000|no (entropy device|balloon) in this mode'
}
check "the run ended with exit code 0, not $code" [ $code = 0 ]
for workload in platform.ipi.2vcpus platform.ipi.4vcpus platform.eoi platform.lock.4vcpus platform.clock.read; do
  check "$workload is measured in both modes" eval "is_ok $workload full && is_ok $workload paravirt"
done
check "cells are skipped only for reasons that are true here" no_other_reason
check "the processor is AMD's, and KVM's vendor module kvm_amd" grep -q '"vendor" *: *"kvm_amd"' .build/svm/run/run.json
check "the run is reported again from its folder" \
  .build/release/pvbench report .build/svm/run --format html,csv --out .build/svm/report
echo "svm: $passed passed, $failed failed"
[ "$failed" = 0 ]
