#!/bin/bash
# prepare.sh FOLDER: makes what svm.sh boots, once: FOLDER/vmlinux, Debian's cloud kernel as an ELF with a PVH entry, and
# FOLDER/base.cpio.gz, an initramfs of busybox, the kernel's kvm, tun and vhost modules, and an init that runs /job/job.sh.
set -euo pipefail
folder=$1
# An initramfs that an earlier version of this script has made lacks what this one adds.
[ -f "$folder/vmlinux" ] && [ "$folder/base.cpio.gz" -nt "$0" ] && exit 0
mkdir -p "$folder"
cd "$folder"

if [ ! -d kernel ]; then
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2; exit}')
  apt-get -o APT::Sandbox::User=root download -qq "$package"
  dpkg -x "$package"_*.deb kernel
  rm "$package"_*.deb
fi

# The compressed kernel inside a bzImage (Linux, arch/x86/boot.rst): behind the setup sectors, where the header says.
image=$(echo kernel/boot/vmlinuz-*)
field() { od -An -tu"$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
sectors=$(field $((0x1f1)) 1)
offset=$(field $((0x248)) 4)
length=$(field $((0x24c)) 4)
# lz4's legacy frame has the length of the output behind it: four bytes that are no part of the frame.
start=$(((sectors + 1) * 512 + offset))
head -c $((start + length - 4)) "$image" | tail -c +$((start + 1)) | lz4 -dc > vmlinux

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,proc,sys,dev,tmp,job,lib/modules}
cp /bin/busybox "$root/bin/"
for applet in sh mount insmod cat cut echo grep gzip head hostname ip ls poweroff sed sleep stty tar timeout tr; do
  ln -s busybox "$root/bin/$applet"
done
modules=$(echo kernel/lib/modules/*/kernel)
cp "$modules"/virt/lib/irqbypass.ko "$modules"/arch/x86/kvm/kvm.ko "$modules"/arch/x86/kvm/kvm-amd.ko \
  "$modules"/drivers/net/{tun,tap}.ko "$modules"/drivers/vhost/{vhost_iotlb,vhost,vhost_net}.ko "$root/lib/modules/"
cat > "$root/init" <<'INIT'
#!/bin/sh
# The disk, where there is one, is /data: a file system with direct I/O.
# ttyS0: the kernel's console. ttyS1: what the job prints. ttyS2: the folder /job/out, as a compressed archive.
export PATH=/bin:/job LD_LIBRARY_PATH=/job/lib HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
for module in irqbypass kvm kvm-amd tun tap vhost_iotlb vhost vhost_net; do insmod /lib/modules/$module.ko; done
[ -e /dev/nvme0n1 ] && mkdir /data && mount -t ext4 /dev/nvme0n1 /data
mkdir -p /dev/net
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
ip link set lo up
hostname svm
for port in 1 2; do stty -F /dev/ttyS$port raw; done
cd /job
sh ./job.sh > /dev/ttyS1 2>&1 < /dev/null
code=$?
[ -d out ] && tar -c -z -f /dev/ttyS2 out
echo "JOB ENDED $code" > /dev/ttyS1
sleep 1
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > base.cpio.gz
