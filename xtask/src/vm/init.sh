#!/bin/bash
# Process 1 of a virtual machine: runs the tests that the kernel's command line names, and
# switches the machine off. The console carries the results.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
word() { sed -n "s/.*\b$1=\([^ ]*\).*/\1/p" /proc/cmdline; }
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2> /dev/null
mkdir -p /dev/pts /dev/shm /scratch
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
chmod 1777 /tmp
mount -t securityfs sec /sys/kernel/security 2> /dev/null
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -o remount,rw / 2> /dev/null
ip link set lo up
if [ ! -b /dev/nvme0n1 ]; then
    # The root is in memory, and the disk's driver is a module.
    modprobe nvme && modprobe ext4
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/nvme0n1 ] && break; sleep 0.5; done
    mount -t ext4 /dev/nvme0n1 /scratch
fi
chmod 1777 /scratch
export TMPDIR=/scratch PROCVIZ_TEST_BINARY=/t/procviz PROCVIZ_NO_SKIP=1 PROCVIZ_TEST_IN_VM=1
export RUST_BACKTRACE=0
echo "BOOTED $(uname -r)"
for run in $(seq "$(word procviz.runs)"); do
    for test in $(word procviz.tests | tr , ' '); do
        echo "BEGIN $test"
        timeout 300 /t/end_to_end "$test" 2>&1 < /dev/null
        echo "END $test status $?"
    done
done
sync
mount -o remount,ro /
echo o > /proc/sysrq-trigger
sleep 20
