# fact: disk_space
# How much room is there where the agent lands, and may programs run there?
# One line for each path: PATH FREE_KIB MOUNT_OPTIONS MOUNT_POINT; and where the file system counts them, one more:
# inodes PATH FREE
for path in / /usr/bin /etc /var /var/lib/amazon /var/log /tmp; do
  nearest=$path
  while [ ! -d "$nearest" ] && [ "$nearest" != / ]; do
    nearest=${nearest%/*}
    nearest=${nearest:-/}
  done
  line=$(df -P -k "$nearest" 2>/dev/null | sed -n '$p')
  free=$(printf '%s\n' "$line" | sed -n 's/.*[[:space:]]\([0-9][0-9]*\)[[:space:]][[:space:]]*[0-9]*[%-][[:space:]].*/\1/p')
  point=$(printf '%s\n' "$line" | sed -n 's/.*[[:space:]][0-9]*[%-][[:space:]][[:space:]]*\(\/.*\)$/\1/p')
  # TOTAL USED FREE USED%; a total of 0 means that there is no limit.
  inodes=$(df -P -i "$nearest" 2>/dev/null |
    sed -n '$s/.* [1-9][0-9]*  *[0-9][0-9]*  *\([0-9][0-9]*\)  *[0-9]*% .*/\1/p')
  if [ -n "$inodes" ]; then printf 'inodes %s %s\n' "$path" "$inodes"; fi
  # /proc/mounts writes blanks as \040; the last mount on a point hides those before it.
  options=$(POINT=$(printf '%s' "$point" | sed 's/ /\\040/g') awk '
    BEGIN { point = ENVIRON["POINT"] }
    $2 == point { options = $4 }
    END { print options }' /proc/mounts 2>/dev/null)
  printf '%s %s %s %s\n' "$path" "${free:--}" "${options:--}" "${point:--}"
done
