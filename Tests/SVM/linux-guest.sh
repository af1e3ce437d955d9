#!/bin/bash
# linux-guest.sh FOLDER: makes a Linux guest of Debian's own parts, once: FOLDER/vmlinuz, the distribution's kernel as it is packaged,
# FOLDER/vmlinux, the same unpacked, and FOLDER/initrd, an initramfs of busybox, drivers for every device that pvbench has, fio,
# iperf3 and sysbench. Its init gives eth0 the address in `guest_address=` on the kernel's command line, where there is one, runs what
# follows `--`, says `pvbench-guest: ended CODE` and switches the machine off.
set -euo pipefail
folder=$1
here=$(cd "$(dirname "$0")" && pwd)
stamp=$(cat "$0" "$here/linux-prove.sh" | sha256sum)
[ -f "$folder/stamp" ] && [ "$(cat "$folder/stamp")" = "$stamp" ] && exit 0
mkdir -p "$folder"
cd "$folder"

if [ ! -d kernel ]; then
  package=$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
  apt-get -o APT::Sandbox::User=root download -qq "$package"
  dpkg -x "$package"_*.deb kernel
  rm "$package"_*.deb
fi
cp kernel/boot/vmlinuz-* vmlinuz
# The compressed kernel inside (see prepare.sh); xz is told to stop at the end of its stream: the output's length is behind it.
field() { od -An -tu"$2" -j "$1" -N "$2" vmlinuz | tr -d ' '; }
start=$((($(field $((0x1f1)) 1) + 1) * 512 + $(field $((0x248)) 4)))
head -c $((start + $(field $((0x24c)) 4))) vmlinuz | tail -c +$((start + 1)) | xz -dc --single-stream > vmlinux

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev,tmp,lib/modules}
cp /bin/busybox "$root/bin/"
for applet in sh awk cat dd dmesg echo grep head insmod ip ls mount poweroff printf readlink sed sleep tail wc; do
  ln -s busybox "$root/bin/$applet"
done
modules=kernel/lib/modules/*/kernel
: > "$root/lib/modules/order"
module() { # NAME: its dependencies, then itself
  local file name
  grep -qx "$1.ko" "$root/lib/modules/order" && return
  file=$(find $modules -name "$1.ko")
  [ -n "$file" ] || file=$(find $modules -name "${1//_/-}.ko")
  [ -n "$file" ] || { echo "linux-guest.sh: the kernel has no module $1" >&2; exit 1; }
  for name in $(tr '\0' '\n' < "$file" | sed -n 's/^depends=//p' | tr ',' ' '); do module "$name"; done
  cp "$file" "$root/lib/modules/$1.ko"
  echo "$1.ko" >> "$root/lib/modules/order"
}
for name in virtio_pci virtio_mmio virtio_blk virtio_net virtio_console virtio_rng virtio_balloon ata_piix sd_mod e1000; do
  module "$name"
done
for program in fio iperf3 sysbench; do
  file=$(command -v "$program")
  cp -L "$file" "$root/bin/"
  ldd "$file" | awk '$3 ~ /^\// {print $3} $1 ~ /^\// {print $1}' | sort -u | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L -n "$library" "$root$library"
  done
done
cp "$here/linux-prove.sh" "$root/bin/prove"
chmod +x "$root/bin/prove"
cat > "$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin HOME=/tmp LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu/ceph
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
while read -r module; do insmod "/lib/modules/$module"; done < /lib/modules/order
# The kernel makes a variable of what it does not know.
[ -z "$guest_address" ] || { ip addr add "$guest_address" dev eth0 && ip link set eth0 up; }
echo "pvbench-guest: user space"
# Firecracker's boot timer: 123 to port 0x3F0.
[ -e /dev/port ] && printf '{' | dd of=/dev/port bs=1 seek=1008 2> /dev/null
"$@"
echo "pvbench-guest: ended $?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) > initrd
echo "$stamp" > stamp
