# One piece of work at a time on a server, whoever started it. What is locked lies in a folder that only root enters, so
# that nobody else can hold the lock; the kernel releases it however the work ends.
# Needs: steps_record.sh, step, patience (seconds to wait for work of another connection).
# shellcheck shell=sh
job=$state/$step.job # where a piece of work is described and leaves its result

# Waits until no work is under way here, and takes the lock.
lock() {
  waited=0
  until hold "$state/lock"; do
    [ "$waited" -lt "$patience" ] || fail "other work of Onboard has been under way on this server for $patience seconds"
    sleep 1
    waited=$((waited + 1))
  done
  held=$state/lock
}

# hold FILE: whoever has finished removes the file, so only the one that is found under its name counts.
hold() {
  made=no
  for try in 1 2 3 4 5; do # another connection may remove the folder at the same time
    enter
    if (umask 077 && : >>"$1") 2>/dev/null; then
      made=yes
      break
    fi
  done
  [ "$made" = yes ] || fail "$1 cannot be written"
  # shellcheck disable=SC3013 # all shells here know -ef
  # `command`: a file that is gone must not end the script. `9<&9`: some shells keep such files to themselves.
  { command exec 9<"$1"; } 2>/dev/null && flock -n 9 9<&9 && [ /proc/self/fd/9 -ef "$1" ]
}
