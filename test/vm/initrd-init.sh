#!/bin/busybox sh
# /init of the initrd: modules, root, payload, and on to the payload's guest.sh.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sysfs /sys
$b mount -t devtmpfs dev /dev
[ -e /modules/order ] && while read -r module; do $b insmod "/modules/$module"; done < /modules/order
for i in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/vdc ] && break; $b sleep 0.2; done
$b mount -t ext4 -o rw /dev/vda /root || exec $b sh
$b mkdir -p /root/payload
$b mount -t ext4 -o ro /dev/vdb /root/payload || exec $b sh
for i in proc sys dev; do $b umount /$i; done
exec $b switch_root /root /bin/bash /payload/checkout/test/vm/guest.sh
