# step: configure_proxy apply
# Give the agent's service a proxy. file: the settings file; content: what it shall say.
case $(manager):$file in
  systemd:/etc/systemd/system/*.service.d/*.conf | upstart:/etc/init/*.override | none:/etc/init/*.override) ;;
  # Installing the agent brings its upstart job.
  init_script:/etc/init/*.override) initctl version >/dev/null 2>&1 || fail "upstart is not here to read $file" ;;
  *) fail "$file is not read by what manages services here ($(manager))" ;;
esac
if [ ! -e "$file" ] || [ "$(cat "$file")" != "$content" ]; then
  if [ -e "$file" ]; then
    remember existed=yes "old=$(od -An -v -to1 "$file" | tr -d ' \n')"
  else
    remember existed=no "folders=$(absent "${file%/*}")"
  fi
  [ -d "${file%/*}" ] || mkdir -m 755 "${file%/*}" || fail "${file%/*} cannot be made"
  printf '%s\n' "$content" >"$file.onboard" && chmod 644 "$file.onboard" && mv "$file.onboard" "$file" ||
    fail "$file cannot be written"
  if [ "$(manager)" = systemd ]; then systemctl daemon-reload >&2 || fail "systemd did not read its units anew"; fi
fi
applied
