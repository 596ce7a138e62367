#!/bin/bash
# Runs inside the virtual machine as pid 1, from the payload. Sets the machine up, runs the command
# that the host put at the start of the third disk, reports its exit code on the second serial port,
# packs /results onto the third disk, and ends the machine.
#
# With oci.systemd on the kernel's command line, systemd becomes pid 1 instead and runs this again as
# a service (--service).
export PATH=/payload/node/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
export LANG=C.UTF-8 TERM=dumb NO_COLOR=1

word() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline; }

mount_base() {
  mount -t proc -o nosuid,nodev,noexec proc /proc
  mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
  mount -t devtmpfs -o mode=755 dev /dev
  mkdir -p /dev/pts /dev/shm /dev/mqueue
  ln -sfn /proc/self/fd /dev/fd
  ln -sfn fd/0 /dev/stdin
  ln -sfn fd/1 /dev/stdout
  ln -sfn fd/2 /dev/stderr
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  mount -t mqueue mqueue /dev/mqueue
  mount -t tmpfs -o mode=1777 shm /dev/shm
  mount -t tmpfs -o mode=755 run /run
  mount -t tmpfs -o mode=1777 tmp /tmp
  mount -t securityfs securityfs /sys/kernel/security
  mount -t bpf bpf /sys/fs/bpf
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup
  hostname oci-ts-vm
  ip link set lo up
}

# The checkout sits at the path it has outside, since the peers' programs contain that path; writes to
# it go to memory.
mount_checkout() {
  local checkout
  checkout=$(word oci.checkout)
  mkdir -p /overlay "$checkout" /results
  mount -t tmpfs overlay /overlay
  mkdir /overlay/upper /overlay/work
  mount -t overlay -o lowerdir=/payload/checkout,upperdir=/overlay/upper,workdir=/overlay/work checkout "$checkout"
  cd "$checkout" || exit
}

run_command() {
  local status script=/run/command.sh
  stty -F /dev/ttyS1 raw
  head -c 65536 /dev/vdc | tr -d '\0' > $script
  export OCI_TS_TEST_VM=1 OCI_TS_TEST_SLOW=10 CI=1 OCI_TS_RESULTS=/results
  for name in loop veth dummy fuse; do modprobe -q $name; done
  # Through a pipe: programs that find a terminal draw on it.
  PATH=$PWD/node_modules/.bin:$PATH setsid bash $script 2>&1 < /dev/null | cat > /dev/ttyS1
  status=${PIPESTATUS[0]}
  tar -C /results -cf - . | dd of=/dev/vdc bs=64k conv=fsync 2> /dev/null
  printf '\n@@exit %d\n' "$status" > /dev/ttyS1
}

power_off() {
  sync
  echo 1 > /proc/sys/kernel/sysrq
  echo o > /proc/sysrq-trigger
  sleep 60
}

if [ "${1:-}" = --service ]; then
  mount_checkout
  run_command
  power_off
fi
mount -t proc proc /proc
if grep -qw oci.systemd /proc/cmdline; then
  cat > /etc/systemd/system/oci-ts.service << UNIT
[Unit]
After=basic.target dbus.service
[Service]
Delegate=yes
ExecStart=/bin/bash /payload/checkout/test/vm/guest.sh --service
[Install]
WantedBy=multi-user.target
UNIT
  mkdir -p /etc/systemd/system/multi-user.target.wants
  ln -sf ../oci-ts.service /etc/systemd/system/multi-user.target.wants/
  umount /proc
  exec /sbin/init
fi
umount /proc
mount_base
mount_checkout
run_command
power_off
