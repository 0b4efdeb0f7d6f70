# fact: inotify
# How many inotify instances may root have, and how many has it? An agent's worker needs some for each command.
# Not `read`: some shells read byte by byte, and the kernel answers the first of these only.
limit=$(cat /proc/sys/fs/inotify/max_user_instances 2>/dev/null)
if [ -n "$limit" ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "the files that root's processes have open can be seen by root only" >&2
    exit 1
  fi
  printf 'limit %s\n' "$limit"
  # One that a process inherited is counted for each that has it: the true count may be lower.
  # shellcheck disable=SC2012 # nothing else tells owner and target of so many links at once
  ls -ln /proc/[0-9]*/fd 2>/dev/null | awk '$3 == 0 && /anon_inode:\[?inotify/ { used++ } END { print "used " used + 0 }'
fi
echo 'asked all'
