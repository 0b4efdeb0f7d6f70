# One piece of work at a time on a server, whoever started it. The lock is on /var/lib itself, which needs no file of its
# own and leaves none; the kernel releases it however the work ends.
# Needs: steps_record.sh, step, patience (seconds to wait for work of another connection).
# shellcheck shell=sh
job=$state/$step.job # where a piece of work is described and leaves its result

# Waits until no work is under way here, and takes the lock.
lock() {
  exec 9</var/lib
  waited=0
  # Named again for the command: some shells keep such files to themselves.
  until flock -n 9 9<&9; do
    [ "$waited" -lt "$patience" ] || fail "other work of Onboard has been under way on this server for $patience seconds"
    sleep 1
    waited=$((waited + 1))
  done
}
