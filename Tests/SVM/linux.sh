#!/bin/bash
# linux.sh [NAME…]: a Linux that nobody here has written, on our runner, under kvm_amd on an emulated AMD processor (see svm.sh).
# Debian's kernel boots as vmlinux and as bzImage; its own drivers take every device; fio reads back what it wrote through virtio-blk
# and IDE; iperf3 runs over virtio-net and e1000 to a server on the host, by TAP. Then a kernel without an init panics, and one
# that never ends is timed out. Every workload of the suite linux is run with it in both modes. Consoles are left in .build/svm/linux-NAME.
set -euo pipefail
cd "$(dirname "$0")/../.."
guest=.build/linux-guest
[ $# -gt 0 ] || set -- pci mmio full panic fio iperf3 sysbench
Tests/SVM/linux-guest.sh "$guest"
job=$(mktemp)
data=$(mktemp -d)
trap 'rm -rf "$job" "$data"' EXIT
cp "$guest"/{vmlinuz,vmlinux,initrd} "$data/"
truncate -s 32M "$data/disk"

# What a job begins with. A server waits at ADDRESS as soon as the runner has made its interface.
cat > "$data/boot.sh" <<'BOOT'
mkdir out
serve() { # ADDRESS
  while ! ip link show tap0 > /dev/null 2>&1; do sleep 1; done
  ip addr add "$1/24" dev tap0
  exec ./iperf3 --server
}
boot() { # NAME, and options of pvbench boot: its console, its phases and its exit code
  name=$1
  shift
  ./pvbench boot --timeout 200s --memory 384MiB --kernel /data/vmlinux "$@" > "out/$name.console" 2> "out/$name.phases"
  echo "$?" > "out/$name.code"
}
devices="--initrd /data/initrd --disk /data/disk --net tap:tap0 --marker pvbench-guest:"
# no_timer_check: the emulator is too slow now and then for the kernel's trial of the PIT.
common="nokaslr mitigations=off no_timer_check rdinit=/init"
BOOT

# NAME, with the job on standard input. A thread for each processor: a guest beside its server takes minutes without. There is
# another try where the emulator itself stopped, as in test.sh; a job takes about a minute, so the first try is soon given up.
run() {
  local name=$1 try code
  (echo '. /data/boot.sh'; cat) > "$job"
  for try in 1 2 3; do
    rm -rf ".build/svm/linux-$name"
    code=0 SECONDS=0
    Tests/SVM/svm.sh -p -t $((150 * try)) -m 2048 -d "$data" -o ".build/svm/linux-$name" "$job" .build/release/pvbench .build/release/pvbench-vm \
      "$(command -v iperf3)" || code=$?
    echo "svm-linux: $name: try $try: $([ $code = 125 ] && echo did not end || echo "$SECONDS s")"
    [ $code = 125 ] || return $code
  done
  return 125
}

passed=0 failed=0
check() { # NAME, and a command that must succeed
  if "${@:2}"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1"; fi
}
is() { [ "$(cat "$out/$1.code")" = "$2" ]; }
proves() { grep -q "^proof: $1 ok" "$out/$name.console"; }
has_phases() { [ "$(grep -c ' ms$' "$out/$name.phases")" -ge 7 ]; }
proves_itself() { # DISK NETWORK
  check "$name: fio verifies what it wrote through $1" proves "fio verifies what it wrote to $1"
  check "$name: iperf3 runs over $2" proves "iperf3 over $2"
  check "$name: 8250 takes the UART" proves "8250 on a 16550A"
  check "$name: the guest switches its machine off" grep -q 'the guest switched its machine off' "$out/$name.phases"
  check "$name: exit code 0" is "$name" 0
  check "$name: the phases of its boot are seen" has_phases
  grep ' ms$' "$out/$name.phases" || true
}

for name; do
  out=.build/svm/linux-$name
  case $name in
    pci | mmio)
      check "$name: the job ends" run "$name" <<JOB
serve 10.0.1.1 > out/server 2>&1 &
boot $name \$devices --with transport=$name --append "\$common -- prove $name /dev/vda 8m virtio-net 10.0.1.2 10.0.1.1"
JOB
      for driver in virtio_blk virtio_net virtio_console virtio_rng virtio_balloon; do
        check "$driver takes its device over $name" proves "$driver over $name"
      done
      check "$name: random bytes" proves "virtio_rng gives bytes"
      proves_itself /dev/vda virtio-net
      ;;
    full)
      check "$name: the job ends" run "$name" <<'JOB'
serve 10.0.1.1 > out/server 2>&1 &
boot full $devices --kernel /data/vmlinuz --mode full --with disk=ide-dma,cpuid=kvm --vcpus 2 \
  --append "$common -- prove none /dev/sda 2m e1000 10.0.1.2 10.0.1.1"
JOB
      check "ata_piix takes the IDE function" proves ata_piix
      check "e1000 takes its card" proves e1000
      check "two processors are brought up" proves "2 processors"
      proves_itself /dev/sda e1000
      ;;
    panic)
      check "$name: the job ends" run "$name" <<'JOB'
boot panic
boot hang --timeout 30s --initrd /data/initrd --append "$common -- sleep 1000"
JOB
      check "a panic is exit code 1" is panic 1
      check "a panic is told" grep -q "^pvbench: the guest's kernel panicked" "$out/panic.phases"
      check "a panic is told with twenty lines" [ "$(grep -c '^  ' "$out/panic.phases")" = 20 ]
      check "a guest that hangs is exit code 1" is hang 1
      check "a guest that hangs is timed out" grep -q '^pvbench: the guest did not end within 30' "$out/hang.phases"
      ;;
    fio | iperf3 | sysbench)
      check "$name: the run is complete" run "$name" <<JOB
./pvbench run --workload 'linux.$name.*' --quick --reps 1 --quiet --tolerate all --out /data/results --linux-kernel /data/vmlinux --linux-initrd /data/initrd
code=\$?
mv /data/results/*-svm-*/* out
exit \$code
JOB
      for workload in $(sed -n "s/^  - id: \(linux\.$name\..*\)/\1/p" workloads/suites/linux.yaml); do
        for mode in full paravirt; do
          check "$workload is measured in mode $mode" grep -q ",$workload,$mode,.*,ok,throughput\." "$out/samples.csv"
        done
      done
      grep ',throughput\.' "$out/samples.csv" | cut -d, -f3,4,7,8,11 || true
      ;;
  esac
done
echo "svm-linux: $passed passed, $failed failed"
[ "$failed" = 0 ]
