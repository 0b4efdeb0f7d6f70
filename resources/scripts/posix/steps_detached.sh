# Work that must not be interrupted: it continues if the connection is lost, and the next connection gets its result.
# Needs: steps_record.sh, steps_lock.sh, worker (the script to run).
# shellcheck shell=sh

# Runs the worker with the lock held; the result is there only when it has ended. Programs that the worker starts, such
# as a service, do not hold the lock.
# shellcheck disable=SC2016
keeper='/bin/sh "$0/script" 9>&- >"$0/log" 2>&1; echo $? >"$0/code.new"; mv "$0/code.new" "$0/code"'

# work LINE: run the worker to its end with LINE as its standard input, and hand on its exit code; its words are in
# $job/log. A connection that ends in the meantime ends nothing but the waiting. LINE is a secret: echo is built into
# every shell, where printf is a program in some (mksh, ksh88) and would show it in the process list.
work() {
  enter
  rm -rf "$job"
  (umask 077 && mkdir "$job" && printf '%s\n' "$worker" >"$job/script") || fail "$job cannot be written"
  detach=$(command -v setsid || :)
  echo "$1" | (
    trap '' HUP
    # shellcheck disable=SC2086 # nothing where there is no setsid
    exec $detach /bin/sh -c "$keeper" "$job" 9<&9
  ) >/dev/null 2>&1 &
  wait $!
  read -r code <"$job/code" || code=1
  return "$code"
}

# report: what the worker said, as evidence on standard error; then its traces go.
report() {
  tail -n 40 "$job/log" >&2
  rm -rf "$job"
}
