#!/bin/bash
# test/vm/run.sh — boots a Debian kernel in an emulated machine with cgroup v2, runs the test suite (or
# a command) there on this checkout, prints what it prints and exits with its code.
#
#   --subset        the tests that CI has time for (default; OCI_TS_TEST_SUBSET=vm)
#   --all           the whole suite
#   --cmd COMMAND   a shell command instead, in the checkout, outside the sandbox
#   --profile NAME  which kernel and system: see image.sh (default debian12)
#   --timeout SEC   when to give up (default 3600)
#   --append WORDS  more for the kernel's command line
# Needs no KVM. Emulation is 10 to 25 times slower than the machine itself.
# The results directory of the command, $OCI_TS_RESULTS, comes back as .cache/vm/results.
set -euo pipefail
# Read as a whole, so that it may be edited while it runs.
{
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
. "$checkout/scripts/apt-apart.sh"
. "$here/image.sh"

profile=debian12 append= limit=3600
suite='bash test/sandbox.sh vitest run --reporter=default --reporter=json --outputFile.json=/results/vitest.json'
command="OCI_TS_TEST_SUBSET=vm OCI_TS_SANDBOX_RW=/results $suite"
while [ $# -gt 0 ]; do
  case $1 in
    --subset) ;;
    --all) command="OCI_TS_SANDBOX_RW=/results $suite" ;;
    --cmd) command=$2 && shift ;;
    --profile) profile=$2 && shift ;;
    --timeout) limit=$2 && shift ;;
    --append) append=$2 && shift ;;
    *) vm_die "unknown option $1 (see the head of test/vm/run.sh)" ;;
  esac
  shift
done
case $profile in *-systemd) append+=' oci.systemd' ;; esac

cache=$checkout/.cache/vm
image=$cache/$profile
mkdir -p "$cache"
exec 8> "$cache/lock"
flock 8
vm_image "$profile" "$image"
work=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
vm_programs "$work/programs.log"
vm_payload "$work/payload.img"
flock -u 8

# 64 KB for the command at the start; the results overwrite it.
printf '%s\n' "$command" > "$work/results.img"
truncate -s 64M "$work/results.img"
: > "$work/output"

drive() { echo "-drive file=$1,format=raw,if=virtio,$2"; }
# Without cmpxchg16b (cx16): with it, a 6.12 kernel's allocator mostly faults within seconds under
# multi-threaded emulation (QEMU 7.2).
# shellcheck disable=SC2046 # options without blanks
timeout --foreground "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max,-cx16 -smp 2 -m 3072 \
  -nodefaults -display none -no-reboot -device virtio-rng-pci \
  -kernel "$image/vmlinuz" -initrd "$image/initrd" \
  -append "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on oci.checkout=$checkout $append" \
  $(drive "$image/root.img" snapshot=on) $(drive "$work/payload.img" readonly=on) \
  $(drive "$work/results.img" cache=unsafe) \
  -serial "file:$work/console" -serial stdio < /dev/null | tee "$work/output" | grep --line-buffered -v '^@@exit ' || true

status=$(sed -n 's/^@@exit \([0-9]*\)\r\{0,1\}$/\1/p' "$work/output" | tail -n 1)
rm -rf --one-file-system "$cache/results"
mkdir -p "$cache/results"
cp "$work/console" "$work/output" "$cache/results/"
if [ -z "$status" ]; then
  echo "vm: ended without an exit code (limit: $limit s); the console's last lines:" >&2
  tail -n 20 "$work/console" >&2
  exit 124
fi
tar -C "$cache/results" -xf "$work/results.img" 2>/dev/null || true
exit "$status"
}
