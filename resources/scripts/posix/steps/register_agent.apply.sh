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
  # A file without a key, which the agent writes over.
  if [ -e "$registration" ]; then
    remember "active=$active" "absent=$made" "registration=$(od -An -v -to1 "$registration" | tr -d ' \n')"
  else
    remember "active=$active" "absent=$made"
  fi
  save_registration
  code=0
  work "$secret" || code=$?
  report
  node=$(registered ManagedInstanceID)
  if [ "$code" != 0 ]; then
    if [ -z "$node" ]; then
      put_registration_back
      recall active
      if [ "$recalled" = yes ]; then start_agent || :; fi
    fi
    fail "the registration ended with exit code $code"
  fi
  [ -n "$node" ] || fail "the registration succeeded, but $registration names no node"
elif [ "$(registered Region)" != "$region" ]; then
  fail "the agent is registered in $(registered Region) already, as $node"
fi
rm -rf "$job" "$saved" "$saved.new"
if [ -e "$record" ] && ! grep -q '^undo\.node=' "$record"; then printf 'undo.node=%s\n' "$node" >>"$record"; fi
printf 'instance_id=%s\n' "$node"
applied
