# fact: clock
# What time is it here, in seconds since the epoch, and what keeps the clock right?
printf 'seconds %s\n' "$(date +%s)"
printf 'exact %s\n' "$(date +%s.%N)" # some print the letter N
for service in chronyd ntpd; do
  if command -v "$service" >/dev/null 2>&1; then printf 'keeper %s\n' "$service"; fi
done
for file in /lib/systemd/systemd-timesyncd /usr/lib/systemd/systemd-timesyncd; do
  if [ -x "$file" ]; then
    echo 'keeper systemd-timesyncd'
    break
  fi
done
exit 0
