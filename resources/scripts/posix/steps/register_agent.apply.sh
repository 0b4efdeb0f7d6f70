# step: register_agent apply
# variables: patience region worker
# Register the agent, unless it is registered. First line of standard input: the activation code.
# region; worker: what registers, in that Region; patience: seconds to wait for other work here.
# Prints instance_id=mi-….
IFS= read -r secret || [ -n "$secret" ] || fail "no activation code came"
lock
node=$(registered ManagedInstanceID)
if [ -z "$node" ]; then
  [ -x "$agent" ] || fail "the agent is not installed"
  if is_active; then active=yes; else active=no; fi
  # What the agent makes when it registers, and when it first runs as a node.
  made=$(absent "$registration" /var/lib/amazon/ssm/Vault /var/lib/amazon/ssm/runtimeconfig /var/lib/amazon/ssm/ipc \
    /var/lib/amazon/ssm/daemons /var/lib/amazon/ssm/localcommands /var/lib/amazon/ssm /var/lib/amazon /root/.aws/credentials)
  remember "active=$active" "absent=$made"
  code=0
  work "$secret" || code=$?
  report
  [ "$code" = 0 ] || fail "the registration ended with exit code $code"
  node=$(registered ManagedInstanceID)
  [ -n "$node" ] || fail "the registration succeeded, but $registration names no node"
elif [ "$(registered Region)" != "$region" ]; then
  fail "the agent is registered in $(registered Region) already, as $node"
fi
rm -rf "$job"
if [ -e "$record" ] && ! grep -q '^undo\.node=' "$record"; then printf 'undo.node=%s\n' "$node" >>"$record"; fi
printf 'instance_id=%s\n' "$node"
applied
