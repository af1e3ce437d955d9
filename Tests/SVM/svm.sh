#!/bin/bash
# svm.sh [-o ARCHIVE-FOLDER] [-d DATA-FOLDER] [-m MIB] [-s CPUS] [-t SECONDS] [-i | -p] JOB FILE…: runs the shell script JOB, beside the files, as root
# on a Linux with kvm_amd on an AMD processor with SVM that QEMU emulates in software. Ring 0 is native there, hypercalls
# reach KVM, CPUID is intercepted: what a host without SVM cannot show. What the job leaves in its folder `out` is brought to
# ARCHIVE-FOLDER. Its output comes out here, and so does its exit code; 125 where it did not end (the console is printed).
#   -d  what is in this folder is in /data, on the machine's disk
#   -p  a thread for each processor: faster where several have work; QEMU 7.2 then loses an interrupt now and then, and with it all
#   -i  counts instructions (-icount) in place of time: the same every time, and no measure of time
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${PVBENCH_SVM_CACHE:-$here/../../.build/svm}
memory=1536 processors=2 limit=600 out= data=() accelerator=tcg,thread=single count=()
while getopts o:d:m:s:t:ip option; do
  case $option in
    o) out=$OPTARG ;; d) data=(-d "$OPTARG") ;; m) memory=$OPTARG ;; s) processors=$OPTARG ;; t) limit=$OPTARG ;;
    i) processors=1 count=(-icount shift=2,sleep=off) ;;
    p) accelerator=tcg,thread=multi ;;
    *) exit 64 ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || { echo "usage: svm.sh [-o FOLDER] [-d FOLDER] [-m MIB] [-s CPUS] [-t SECONDS] [-i | -p] JOB FILE…" >&2; exit 64; }
command -v qemu-system-x86_64 > /dev/null || { echo "svm.sh: qemu-system-x86_64 is missing (make packages-svm)" >&2; exit 69; }
"$here/prepare.sh" "$cache"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/job/lib"
cp "$1" "$work/root/job/job.sh"
shift
for file in "$@"; do
  cp -r "$file" "$work/root/job/"
  # A dynamic program brings its libraries, and its loader to where it looks for it.
  if [ -f "$file" ] && libraries=$(ldd "$file" 2> /dev/null); then
    echo "$libraries" | awk '$3 ~ /^\// {print $3}' | sort -u | xargs -r -I{} cp -L -n {} "$work/root/job/lib/"
    loader=$(echo "$libraries" | awk '$1 ~ /^\/.*ld-linux/ {print $1}')
    [ -z "$loader" ] || { mkdir -p "$work/root$(dirname "$loader")" && cp -L -n "$loader" "$work/root$loader"; }
  fi
done
(cat "$cache/base.cpio.gz"; cd "$work/root" && find . -mindepth 1 | cpio -o -H newc --quiet | gzip -1) > "$work/initrd"

truncate -s 1G "$work/disk"
/sbin/mkfs.ext4 -q -F -O ^has_journal "${data[@]}" "$work/disk"

timeout -k 5 "$limit" qemu-system-x86_64 -M q35 -accel "$accelerator" "${count[@]}" -cpu EPYC,+svm -smp "$processors" \
  -m "$memory" -display none -nodefaults -monitor none -no-reboot -serial "file:$work/console" -serial "file:$work/output" \
  -serial "file:$work/archive" \
  -drive "if=none,id=data,format=raw,cache=unsafe,file=$work/disk" -device nvme,drive=data,serial=data -kernel "$cache/vmlinux" -initrd "$work/initrd" \
  -append "console=ttyS0 quiet loglevel=4 nokaslr mitigations=off no_timer_check panic=-1 rdinit=/init" 2> "$work/errors" || true
tr -d '\r' < "$work/output" | sed '/^JOB ENDED [0-9]*$/d'
code=$(tr -d '\r' < "$work/output" | sed -n 's/^JOB ENDED \([0-9]*\)$/\1/p')
if [ -z "$code" ]; then
  echo "svm.sh: the job did not end within $limit s; the console's last lines:" >&2
  tail -n 20 "$work/console" "$work/errors" >&2
  exit 125
fi
if [ -n "$out" ] && [ -s "$work/archive" ]; then
  mkdir -p "$out"
  tar -x -z -m -f "$work/archive" -C "$out" --strip-components=1
fi
exit "$code"
