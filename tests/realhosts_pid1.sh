#!/bin/sh
# The first process of a test host, in namespaces of its own (see realhosts.py). Lays the host's file system, then says
# "wire" and waits for a line on standard input: by then the test has given it a network.
# Arguments: LOWER UPPER WORK MOUNT_POINT HOST_NAME plain|systemd
set -eu
lower=$1 upper=$2 work=$3 root=$4 name=$5 kind=$6

mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work" "$root"
cd "$root"
mount -t tmpfs -o mode=755 tmpfs dev
for node in "null 3" "zero 5" "full 7" "random 8" "urandom 9"; do
  mknod -m 666 "dev/${node% *}" c 1 "${node#* }"
done
mknod -m 666 dev/tty c 5 0
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s /proc/self/fd/0 dev/stdin
ln -s /proc/self/fd/1 dev/stdout
ln -s /proc/self/fd/2 dev/stderr
mount -t tmpfs -o mode=1777 tmpfs dev/shm
mount -t tmpfs -o mode=755 tmpfs run
mount -t proc proc proc
# Kernel settings belong to the machine that runs the tests, not to this host.
mount --bind proc/sys proc/sys
mount -o remount,ro,bind proc/sys
mount -t sysfs -o ro sysfs sys
if [ "$kind" = systemd ]; then
  mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
mkdir run/old
pivot_root . run/old
umount -l /run/old
rmdir /run/old
hostname "$name"
ip link set lo up

echo wire
read -r _
exec </dev/null
if [ "$kind" = systemd ]; then
  exec env -i container=onboard-tests /sbin/init
fi
mkdir -p /run/sshd
/usr/sbin/sshd -D -e &
sshd=$!
# The only child that this shell knows; it reaps every orphan while it waits, as the first process must.
wait "$sshd"
