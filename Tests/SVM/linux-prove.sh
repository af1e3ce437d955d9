#!/bin/sh
# prove TRANSPORT DISK SIZE NETWORK ADDRESS PEER: run inside the Linux guest. Linux's own drivers must have taken every device, fio must
# read back what it wrote, and iperf3 must reach a server at PEER. One line for each, `proof: … ok`.
transport=$1 disk=$2 size=$3 network=$4 address=$5 peer=$6
failures=0
say() { # NAME CODE
  if [ "$2" = 0 ]; then echo "proof: $1 ok"; else echo "proof: $1 FAILED"; failures=$((failures + 1)); fi
}
# A driver has a device, which lies below the bus that it should.
has_device() { # BUS DRIVER PLACE
  ls -l "/sys/bus/$1/drivers/$2/" | grep -q "devices/.*$3"
}
case $transport in
  pci) place='pci0000:00' ;;
  mmio) place='LNRO0005' ;;
  *) place= ;;
esac
if [ -n "$place" ]; then
  for driver in virtio_blk virtio_net virtio_console virtio_rng virtio_balloon; do
    has_device virtio $driver "$place"
    say "$driver over $transport" $?
  done
  dd if=/dev/hwrng of=/tmp/random bs=64 count=1 2> /dev/null && [ "$(wc -c < /tmp/random)" = 64 ]
  say "virtio_rng gives bytes" $?
else
  has_device pci ata_piix pci0000:00
  say "ata_piix" $?
  has_device pci e1000 pci0000:00
  say "e1000" $?
fi
grep -q 'uart:16550A.* tx:[1-9]' /proc/tty/driver/serial
say "8250 on a 16550A" $?
[ "$(grep -c ^processor /proc/cpuinfo)" = "$(cat /sys/devices/system/cpu/present | sed 's/.*-//' | awk '{print $1 + 1}')" ]
say "$(grep -c ^processor /proc/cpuinfo) processors" $?

fio --name=verify --filename="$disk" --rw=randwrite --bs=4k --size="$size" --direct=1 --ioengine=libaio --iodepth=8 \
  --verify=crc32c --do_verify=1 --verify_fatal=1 --randseed=1 --output-format=json > /tmp/fio.json
code=$?
echo "fio: begin"
cat /tmp/fio.json
echo "fio: end"
[ $code = 0 ] && grep -q '"error" : 0' /tmp/fio.json && awk '/"total_ios"/ {gsub(",", ""); sum += $3} END {exit sum < 1024}' /tmp/fio.json
say "fio verifies what it wrote to $disk" $?

ip addr add "$address/24" dev eth0 && ip link set eth0 up
sleep 1
iperf3 --client "$peer" --time 3 --json --connect-timeout 20000 > /tmp/iperf3.json
code=$?
echo "iperf3: begin"
cat /tmp/iperf3.json
echo "iperf3: end"
[ $code = 0 ] && grep -q '"sum_received"' /tmp/iperf3.json && ! grep -q '"error"' /tmp/iperf3.json
say "iperf3 over $network" $?
exit $failures
