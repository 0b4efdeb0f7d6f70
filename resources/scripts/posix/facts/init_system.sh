# fact: init_system
# What starts services here?
printf 'first_process %s\n' "$(sed -n 's/^Name:[[:space:]]*//p' /proc/1/status 2>/dev/null)"
if [ -d /run/systemd/system ]; then echo 'systemd running'; fi
if command -v systemctl >/dev/null 2>&1; then
  printf 'systemctl %s\n' "$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p')"
fi
case $(initctl version 2>/dev/null) in *upstart*) echo 'upstart running' ;; esac
if [ -d /etc/init.d ]; then echo 'init_d present'; fi
