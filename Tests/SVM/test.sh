#!/bin/bash
# test.sh: every suite, briefly, under kvm_amd on an emulated AMD processor (see svm.sh), with the release build. Every cell must
# be ok, or skipped for a reason that is true there, and what takes hypercalls or KVM's end-of-interrupt flag must not be
# skipped. The runs' folders are left in .build/svm/run-SUITE.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=.build/svm
job=$(mktemp)
how=(-t 240)  # svm.sh's options
trap 'rm -f "$job"' EXIT

# Boots once, or again where the emulator itself stopped for good.
boot() { # NAME, and which cells to run; the job's exit code
  local name=$1 try code
  cat > "$job" <<JOB
./pvbench run ${*:2} --quick --reps 1 --quiet --tolerate all --out /data/results
code=\$?
mv /data/results/*-svm-* out
exit \$code
JOB
  for try in 1 2 3; do
    rm -rf "$runs/run-$name"
    code=0
    Tests/SVM/svm.sh "${how[@]}" -o "$runs/run-$name" "$job" .build/release/pvbench .build/release/pvbench-vm || code=$?
    [ $code = 125 ] || return $code
    echo "svm: $name: try $try did not end"
  done
  return 125
}

# QEMU 7.2's processor has two faults that KVM's trace points show from within: VMRUN forgets the shadow of STI, so that an interrupt
# between STI and HLT comes before the HLT, which then sleeps for ever; and when the emulator leaves its loop right behind VMRUN,
# the interrupt that was injected is delivered once more. They hit about one repetition in fifty of those that sleep or send many
# interrupts, and some nearly always. A cell that fails in one of these ways, and in no other, is run again, with the emulated
# processors in threads of their own, which has other rhythms (and stops for good now and then, where it has much to do). One that
# does not work fails every time.
faults='did not finish within|interrupts were lost,? or came twice|interrupt (was lost|never came)|the token is lost|kick was lost|more timer interrupts came than were armed'

# Every cell is ok, or skipped, in one of six boots; $runs/cells-NAME.csv has the repetitions of all of them.
is_complete() { # NAME, and which cells to run
  local name=$1 cells=("${@:2}") try missing workload
  local how=("${how[@]}")
  rm -f "$runs/cells-$name.csv"
  for try in 1 2 3 4 5 6; do
    boot "$name" "${cells[@]}" || [ $? = 1 ] || return 1
    [ -s "$runs/run-$name/samples.csv" ] && has_true_reasons "$name" || return 1
    sed 1d "$runs/run-$name/samples.csv" >> "$runs/cells-$name.csv"
    missing=$(awk -F, '{all[$3 " " $4] = $3} $7 ~ /^(ok|skipped)$/ {good[$3 " " $4] = 1}
      END {for (cell in all) if (!(cell in good)) print all[cell]}' "$runs/cells-$name.csv" | sort -u)
    [ -n "$missing" ] || return 0
    echo "svm: $name: once more:" $missing
    cells=(--suite "$3")
    how=(-t 60 -p)
    for workload in $missing; do cells+=(--workload "$workload"); done
  done
  return 1
}

passed=0 failed=0
check() { # NAME, and a command that must succeed
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}
is_measured() { # WORKLOAD MODE…
  local mode
  for mode in "${@:2}"; do
    awk -F, -v w="$1" -v m="$mode" '$3 == w && $4 == m && $7 == "ok" {found = 1} END {exit !found}' "$runs/cells-${1%%.*}.csv" || return 1
  done
}
# Three workloads at least, as long as the kernel there takes no datagrams before segmentation. (Lines end with CR LF.)
is_served_by_the_kernel() {
  awk -F, '
    $4 != "paravirt+net=vhost-net" || $7 == "skipped" { next }
    $7 != "ok" { bad++ }
    $8 ~ /^network\.(lost|corrupted|duplicated|dropped_port_outgoing|dropped_far_side)$/ { checked++; if ($11 + 0 != 0) bad++ }
    $8 == "exits.per_op" { measured++; if ($11 + 0 > 0.1) bad++ }
    END { exit !(measured >= 3 && checked == 5 * measured && bad == 0) }' "$runs/run-vhost/samples.csv"
}
# Why the processor left the guest, by SVM's numbers: hosts whose kvm:kvm_exit never fires cannot show it. Each exit at a port is one
# of the processor's, and what KVM answers itself is there with its reason.
knows_the_processors_reasons() {
  local files=("$runs"/run-trace/repetitions/*.json) loop
  told() { grep -h "$1" "${files[@]}" | grep -o '"kvm_exit":{"by_key":{[^}]*}' | grep -o "\"$2\":[0-9]*" | cut -d: -f2; }
  grep -A 1 '"trace:kvm_exit"' "$runs/run-trace/run.json" | grep -q '"counts" : true' || return 1
  loop=$(grep -h '"exits.pio.out"' "${files[@]}" | grep -o '"loop":[0-9]*,"reason":"io"' | grep -o '[0-9]*')
  [ -n "$loop" ] && [ "$(told '"exits.pio.out"' io)" = "$loop" ] || return 1
  [ "$(told '"exits.cpuid"' cpuid)" -gt 100 ] && [ "$(told '"exits.hypercall.unknown.ring0"' hypercall)" -gt 100 ]
}
# Of repetitions: what is reconciled by reason of exit has reasons, too.
has_true_reasons() {
  ! grep -h -o '"order":[0-9]*,"reason":"[^"]*"' "$runs/run-$1"/repetitions/*.json | cut -d, -f2- | sort -u | grep -vE \
    'IDE has queue depth 1 only|needs net=virtio-net, this mode has e1000|needs cpuid=kvm, this mode has hidden|(ipi=hypercall|eoi=pv) needs cpuid=kvm|time stamp counters of the vCPUs are apart|the host gave pages of 4 KiB|no (entropy device|balloon) in this mode|the guest.s CPUID shows no (AVX2 with FMA|SHA instructions)|CPUID shows no (KVM that tells of steal time|invariant TSC)|KVM does not promise on this host that its clock never goes back|'"$faults"
}

for suite in console cpu disk exits memory network platform; do
  check "$suite: every cell is ok, or skipped for a reason that is true here" is_complete $suite --suite $suite
  check "$suite: KVM's vendor module is kvm_amd" grep -q '"vendor" *: *"kvm_amd"' "$runs/run-$suite/run.json"
done
for workload in hypercall.{unknown,ipi,kick,yield}.ring0 eoi.pv syscall; do  # these take a real ring 0, or KVM's part in it
  check "exits.$workload is measured" is_measured exits.$workload paravirt
done
for workload in platform.ipi.2vcpus platform.ipi.4vcpus platform.eoi platform.lock.4vcpus platform.lock.4vcpus.2cpus \
  platform.clock.read platform.timer.cyclic; do
  check "$workload is measured in both modes" is_measured $workload full paravirt
done
check "vhost-net: the run is complete" \
  boot vhost --suite network --workload "'network.*.tap'" --mode paravirt --with net=vhost-net
check "vhost-net: no frame is lost, changed or doubled, and packets take no exits" is_served_by_the_kernel
check "trace: the run is complete" boot trace --trace --suite exits --mode paravirt \
  --workload exits.pio.out --workload exits.cpuid --workload exits.hypercall.unknown.ring0
check "trace: kvm_exit counts, and its reasons are those of the exits" knows_the_processors_reasons
check "a run is reported again from its folder" \
  .build/release/pvbench report "$runs/run-platform" --format html,csv --out "$runs/report"
echo "svm: $passed passed, $failed failed"
[ "$failed" = 0 ]
