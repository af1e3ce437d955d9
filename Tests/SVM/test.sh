#!/bin/bash
# test.sh: every suite, briefly, under kvm_amd on an emulated AMD processor (see svm.sh), with the release build. Every cell must
# be ok, or skipped for a reason that is true there, and what takes hypercalls or KVM's end-of-interrupt flag must not be
# skipped. The runs' folders are left in .build/svm/run-SUITE.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=.build/svm
job=$(mktemp)
declare -A limits=([exits]=150 [platform]=150 [wakes]=120)  # seconds of a boot, where they are not 90
trap 'rm -f "$job"' EXIT

# A boot for each suite, and one for vhost-net: now and then the emulator itself stops for good, its processors spinning and
# the kernel in it silent. Then, and only then (125), there is another try: a job that ended is judged by what it said.
boot() { # NAME, and which cells to run; the job's exit code
  local name=$1 try code
  cat > "$job" <<JOB
./pvbench run ${*:2} --quick --reps 1 --quiet --out /data/results
code=\$?
mv /data/results/*-svm-* out
exit \$code
JOB
  for try in 1 2 3 4 5; do
    rm -rf "$runs/run-$name"
    code=0
    Tests/SVM/svm.sh -t "${limits[$name]:-90}" -o "$runs/run-$name" "$job" .build/release/pvbench .build/release/pvbench-vm || code=$?
    [ $code = 125 ] || return $code
    echo "svm: $name: try $try did not end"
  done
  return 125
}

passed=0 failed=0
check() { # NAME, and a command that must succeed
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}
status() { awk -F, -v w="$1" -v m="$2" '$3 == w && $4 == m {print $7; exit}' "$runs/run-platform/samples.csv"; }
# What takes a real ring 0, or KVM's part in it.
is_exit_measured() {
  awk -F, -v w="exits.$1" '$3 == w && $4 == "paravirt" && $7 == "ok" {found = 1} END {exit !found}' \
    "$runs/run-exits/samples.csv"
}
is_measured() { [ "$(status "$1" full)" = ok ] && [ "$(status "$1" paravirt)" = ok ]; }
# Three workloads at least, as long as the kernel there takes no datagrams before segmentation. (Lines end with CR LF.)
is_served_by_the_kernel() {
  awk -F, '
    $4 != "paravirt+net=vhost-net" || $7 == "skipped" { next }
    $7 != "ok" { bad++ }
    $8 ~ /^network\.(lost|corrupted|duplicated|dropped_port_outgoing|dropped_far_side)$/ { checked++; if ($11 + 0 != 0) bad++ }
    $8 == "exits.per_op" { measured++; if ($11 + 0 > 0.1) bad++ }
    END { exit !(measured >= 3 && checked == 5 * measured && bad == 0) }' "$runs/run-vhost/samples.csv"
}
has_true_reasons() {
  ! grep -h -o '"reason" *: *"[^"]*"' "$runs/run-$1"/repetitions/*.json | sort -u | grep -vE \
    'IDE has queue depth 1 only|needs net=virtio-net, this mode has e1000|needs cpuid=kvm, this mode has hidden|(ipi=hypercall|eoi=pv) needs cpuid=kvm|time stamp counters of the vCPUs are apart|the host gave pages of 4 KiB|no (entropy device|balloon) in this mode|the guest.s CPUID shows no (AVX2 with FMA|SHA instructions)|CPUID shows no (KVM that tells of steal time|invariant TSC)|KVM does not promise on this host that its clock never goes back'
}

# Ways out that end in another vCPU's or a device's thread being woken, and all the others.
waking=(--workload "'exits.ipi.*'" --workload "'exits.wake.*'" --workload "'exits.pio.wake.*'")
quiet=()
for kind in empty pio.in pio.out pit pic string mmio ioeventfd coalesced lapic x2apic cpuid rdmsr wrmsr hypercall eoi fault tlb syscall \
  exception; do
  quiet+=(--workload "'exits.$kind*'")
done
# Now and then the emulator loses or doubles an interrupt of a thread that sleeps: about one in a hundred such repetitions fails, of
# any row. A row that does not work fails every time: each must be ok, or skipped, in one of three boots.
is_each_wake_measured() {
  local try
  : > "$runs/wakes"
  for try in 1 2 3; do
    boot wakes --suite exits "${waking[@]}" || true
    awk -F, 'NR > 1 && $7 ~ /^(ok|skipped)$/ {print $3, $4}' "$runs/run-wakes/samples.csv" >> "$runs/wakes"
    awk -F, 'NR > 1 {print $3, $4}' "$runs/run-wakes/samples.csv" | sort -u > "$runs/wanted"
    [ -s "$runs/wanted" ] && [ -z "$(sort -u "$runs/wakes" | comm -13 - "$runs/wanted")" ] && return
  done
  sort -u "$runs/wakes" | comm -13 - "$runs/wanted"
  return 1
}

has_true_wake_reasons() {
  ! grep -h -o '"reason" *: *"[^"]*"' "$runs/run-wakes"/repetitions/*.json | sort -u | grep -vE \
    '(ipi=hypercall|eoi=pv) needs cpuid=kvm|time stamp counters of the vCPUs are apart|did not finish within|interrupts were lost,? or came twice|an interrupt never came|a vCPU has not ended: its interrupt was lost'
}

for suite in console cpu disk exits memory network platform; do
  cells=(--suite $suite)
  [ $suite = exits ] && cells+=("${quiet[@]}")
  check "$suite: the run is complete" boot $suite "${cells[@]}"
  check "$suite: cells are skipped only for reasons that are true here" has_true_reasons $suite
  check "$suite: KVM's vendor module is kvm_amd" grep -q '"vendor" *: *"kvm_amd"' "$runs/run-$suite/run.json"
done
check "exits: every way that wakes somebody is measured, or skipped" is_each_wake_measured
check "exits: ways that wake somebody are skipped or fail only for reasons that are true here" has_true_wake_reasons
for workload in hypercall.{unknown,ipi,kick,yield}.ring0 eoi.pv syscall; do
  check "exits.$workload is measured" is_exit_measured $workload
done
for workload in platform.ipi.2vcpus platform.ipi.4vcpus platform.eoi platform.lock.4vcpus platform.lock.4vcpus.2cpus \
  platform.clock.read platform.timer.cyclic; do
  check "$workload is measured in both modes" is_measured $workload
done
check "vhost-net: the run is complete" \
  boot vhost --suite network --workload "'network.*.tap'" --mode paravirt --with net=vhost-net
check "vhost-net: no frame is lost, changed or doubled, and packets take no exits" is_served_by_the_kernel
check "a run is reported again from its folder" \
  .build/release/pvbench report "$runs/run-platform" --format html,csv --out "$runs/report"
echo "svm: $passed passed, $failed failed"
[ "$failed" = 0 ]
