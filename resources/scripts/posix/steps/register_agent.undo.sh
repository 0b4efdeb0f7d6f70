# step: register_agent undo
# variables: patience
# Clear the registration that was made and what its node left here, unless it has been replaced since.
# patience: seconds to wait for other work here. Prints instance_id=mi-… of what it forgot.
lock
rm -rf "$job"
node=$(registered ManagedInstanceID)
recall active
active=$recalled
recall node
ours=${node:-$recalled}
if [ -z "$active" ]; then
  undone no
elif [ -n "$node" ] && [ -n "$recalled" ] && [ "$node" != "$recalled" ]; then
  undone no "the agent is registered as $node by now, which another run or person did; it is left so"
else
  changed=no
  if [ -n "$node" ]; then
    stop_agent || fail "the agent does not stop"
    if [ -x "$agent" ]; then
      "$agent" -register -clear </dev/null >&2 9>&- || fail "the agent did not clear its registration"
    fi
    changed=yes
    printf 'instance_id=%s\n' "$node"
  fi
  case $ours in mi-*[!0-9a-f-]*) ;; mi-*) rm -rf "/var/lib/amazon/ssm/$ours" ;; esac
  if [ -d "$saved" ]; then put_registration_back; fi # of an apply that was broken off
  recall registration
  if [ -n "$recalled" ]; then
    old=$(printf '%s' "$recalled" | sed 's/\(...\)/\\0\1/g')
    (umask 077 && printf '%b' "$old" >"$registration") || fail "$registration cannot be written"
  fi
  recall absent
  for made in $recalled; do
    case $made in
      /var/lib/amazon/ssm/registration | /var/lib/amazon/ssm/Vault | /var/lib/amazon/ssm/runtimeconfig | \
        /var/lib/amazon/ssm/ipc | /var/lib/amazon/ssm/daemons | /var/lib/amazon/ssm/localcommands) rm -rf "$made" ;;
      /var/lib/amazon/ssm | /var/lib/amazon) rmdir "$made" 2>/dev/null || : ;;
      /root/.aws/credentials) forget_credentials "$made" ;;
    esac
  done
  rm -rf "$saved.new"
  if [ "$active" = yes ] && ! is_active; then start_agent || :; fi
  undone "$changed"
fi
