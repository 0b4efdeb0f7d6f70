# step: configure_proxy apply
# variables: content file
# Give the agent's service a proxy. file: the settings file; content: what it shall say.
case $file in
  /etc/init/*) initctl version >/dev/null 2>&1 ;; # whether or not the agent, and with it its job, is installed
  *) [ "$(manager)" = systemd ] ;;
esac || fail "$file is not read by what manages services here ($(manager))"
if [ ! -e "$file" ] || [ "$(cat "$file")" != "$content" ]; then
  if [ -e "$file" ]; then
    remember existed=yes "old=$(od -An -v -to1 "$file" | tr -d ' \n')"
  else
    remember existed=no "folders=$(absent "${file%/*}")"
  fi
  [ -d "${file%/*}" ] || mkdir -m 755 "${file%/*}" || fail "${file%/*} cannot be created"
  printf '%s\n' "$content" >"$file.onboard" && chmod 644 "$file.onboard" && mv "$file.onboard" "$file" ||
    fail "$file cannot be written"
  if [ "$(manager)" = systemd ]; then systemctl daemon-reload >&2 || fail "systemd did not read its units anew"; fi
fi
applied
