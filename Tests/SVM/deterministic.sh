#!/bin/bash
# deterministic.sh: the same guests twice under an AMD processor whose time is counted instructions (svm.sh -i). Exits and
# costs must agree from run to run within 0.5 %: what changes them is a change of the code, not of the weather. Costs are in
# instructions of everything below the guest, KVM, kernel and runner included; they are no measure of any machine's time.
set -euo pipefail
cd "$(dirname "$0")/../.."
tolerance=0.005
job=$(mktemp)
trap 'rm -f "$job"' EXIT
cat > "$job" <<'JOB'
run() { # NAME KEY=VALUE…
  name=$1
  shift
  ./pvbench-vm memory=67108864 choice:cpuid=kvm choice:backend=memory warmup-ns=20000000 window-ns=60000000 \
    timeout-ns=30000000000 "$@" > out/$name || exit 1
  grep -q '^status.ok' out/$name || { cat out/$name; exit 1; }
}
mkdir out
disk="kernel=disk disk-memory=8388608 disk-seed=1 parameter:access=random parameter:block=4096 parameter:depth=1
  parameter:sectors=16384 parameter:imageseed=1 parameter:completion=polled"
run disk-ide-pio $disk choice:disk=ide-pio parameter:operation=read
run disk-ide-dma $disk choice:disk=ide-dma parameter:operation=read
run clock-pmtimer kernel=clock choice:clock=pmtimer
run clock-pit kernel=clock choice:clock=pit
run clock-kvmclock kernel=clock choice:clock=kvmclock
run eoi-apic kernel=eoi choice:eoi=apic
run eoi-pv kernel=eoi choice:eoi=pv
run console-uart kernel=console choice:console=uart parameter:block=80
JOB
for turn in 1 2; do
  rm -rf .build/svm/deterministic-$turn
  Tests/SVM/svm.sh -i -t 420 -o .build/svm/deterministic-$turn "$job" .build/release/pvbench-vm
done
# Operations a second stand for the cost of one; exits of an operation are exact.
costs() { awk -F'\t' '$1 == "metric" && ($2 == "throughput.ops" || $2 == "exits.per_op") {print FILENAME, $2, $3}' *; }
paste -d' ' <(cd .build/svm/deterministic-1 && costs) <(cd .build/svm/deterministic-2 && costs) | awk -v tolerance=$tolerance '
  {
    difference = $3 > $6 ? $3 - $6 : $6 - $3
    ok = $1 == $4 && $2 == $5 && difference <= tolerance * $3
    printf "%-16s %-16s %16.6f %16.6f %s\n", $1, $2, $3, $6, ok ? "ok" : "DIFFERS"
    if (ok) passed++; else failed++
  }
  END { printf "deterministic: %d passed, %d failed\n", passed, failed; exit failed > 0 || passed < 16 }'
