# step: start_agent apply
# variables: restart
# Start the agent, now and with the system; restart it when its settings changed (restart=yes).
[ -x "$agent" ] || fail "the agent is not installed"
[ "$(manager)" != none ] || fail "no known service manager was found: neither systemd nor upstart nor $init_script"
if is_active; then active=yes; else active=no; fi
if is_enabled; then enabled=yes; else enabled=no; fi
if [ "$active $enabled" != 'yes yes' ] || [ "$restart" = yes ]; then
  remember "active=$active" "enabled=$enabled"
  if [ "$(manager)" = systemd ]; then systemctl daemon-reload >&2; fi
  [ "$enabled" = yes ] || enable_agent >&2 || fail "the agent cannot be made to start with the system"
  [ "$active" = no ] || stop_agent || fail "the agent does not stop: process $(agent_pids)"
  start_agent || fail "the agent's service does not start"
fi

# It is well when one and the same process is there twice, a second apart.
left=6
seen=
while :; do
  pids=$(agent_pids)
  case $pids in
    '' | *[!0-9]*) ;;
    *) if [ "$pids" = "$seen" ]; then break; fi ;;
  esac
  if [ "$left" = 0 ]; then
    case $pids in
      '') fail "the agent ends as soon as it is started" ;;
      *[!0-9]*) fail "more than one agent runs: processes $(echo "$pids" | tr '\n' ' ')" ;;
      *) fail "the agent keeps ending and restarting" ;;
    esac
  fi
  seen=$pids
  left=$((left - 1))
  sleep 1
done
applied
