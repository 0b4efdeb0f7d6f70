# step: start_agent undo
# variables: none
# Leave the service as it was: running or not, starting with the system or not.
recall active
active=$recalled
recall enabled
enabled=$recalled
changed=no
if [ -n "$active" ] && [ "$(manager)" != none ]; then
  if [ "$active" = no ] && is_active; then
    stop_agent || fail "the agent does not stop: process $(agent_pids)"
    changed=yes
  fi
  if [ "$enabled" = no ] && is_enabled; then
    disable_agent >&2 || fail "the agent cannot be kept from starting with the system"
    changed=yes
  fi
fi
undone "$changed"
