# The agent's program, its service, and whoever manages services here.
# Needs: steps_record.sh.
# shellcheck shell=sh disable=SC2034
agent=/usr/bin/amazon-ssm-agent
unit=amazon-ssm-agent
if [ ! -x "$agent" ] && [ -x /snap/amazon-ssm-agent/current/amazon-ssm-agent ]; then
  agent=/snap/amazon-ssm-agent/current/amazon-ssm-agent
  unit=snap.amazon-ssm-agent.amazon-ssm-agent
fi
init_script=/etc/init.d/amazon-ssm-agent

# manager: who starts the agent; asked again each time, since installing brings the service.
manager() {
  if [ -d /run/systemd/system ]; then
    echo systemd
  elif initctl status amazon-ssm-agent >/dev/null 2>&1; then
    echo upstart
  elif [ -x "$init_script" ]; then
    echo init_script
  else
    echo none
  fi
}

# agent_pids: processes of the agent itself (its workers have other names), without those in containers.
agent_pids() {
  here=$(readlink /proc/self/ns/pid 2>/dev/null)
  for process in /proc/[0-9]*; do
    called=
    { read -r called <"$process/comm"; } 2>/dev/null || continue
    # The kernel keeps 15 letters of a name.
    if [ "$called" = amazon-ssm-agen ] && [ "$(readlink "$process/ns/pid" 2>/dev/null)" = "$here" ]; then
      echo "${process#/proc/}"
    fi
  done
}

is_active() {
  case $(manager) in
    # `activating`: an agent without registration ends at once and is started again and again.
    systemd) case $(systemctl is-active "$unit.service" 2>/dev/null) in active | activating | reloading) return 0 ;; esac ;;
    upstart) case $(initctl status amazon-ssm-agent 2>/dev/null) in *start/*) return 0 ;; esac ;;
    *) [ -z "$(agent_pids)" ] || return 0 ;;
  esac
  return 1
}

is_enabled() {
  case $(manager) in
    systemd) systemctl is-enabled --quiet "$unit.service" 2>/dev/null ;;
    upstart) ! grep -qs '^manual' /etc/init/amazon-ssm-agent.override ;;
    init_script)
      for link in /etc/rc[2345].d/S*amazon-ssm-agent /etc/init.d/rc[2345].d/S*amazon-ssm-agent; do
        [ ! -e "$link" ] || return 0
      done
      return 1
      ;;
    none) return 1 ;;
  esac
}

enable_agent() {
  case $(manager) in
    systemd) systemctl enable "$unit.service" ;;
    init_script)
      if command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d amazon-ssm-agent defaults
      elif command -v chkconfig >/dev/null 2>&1; then
        chkconfig --add amazon-ssm-agent && chkconfig amazon-ssm-agent on
      fi
      ;;
  esac
}

disable_agent() {
  case $(manager) in
    systemd) systemctl disable "$unit.service" ;;
    init_script)
      if command -v update-rc.d >/dev/null 2>&1; then
        update-rc.d -f amazon-ssm-agent remove
      elif command -v chkconfig >/dev/null 2>&1; then
        chkconfig --del amazon-ssm-agent
      fi
      ;;
  esac
}

# The service must not hold this script's files open, or a reader that waits for their end waits for ever.
start_agent() {
  case $(manager) in
    systemd) systemctl start "$unit.service" ;;
    upstart) initctl start amazon-ssm-agent ;;
    init_script) "$init_script" start ;;
    none) return 1 ;;
  esac </dev/null >/dev/null 2>&1 9>&-
}

# Returns when no agent is left, or with 1 after 10 seconds.
stop_agent() {
  case $(manager) in
    systemd) systemctl stop "$unit.service" ;;
    upstart) initctl stop amazon-ssm-agent ;;
    init_script) "$init_script" stop ;;
    none) for pid in $(agent_pids); do kill "$pid"; done ;;
  esac </dev/null >/dev/null 2>&1 9>&-
  left=10
  while [ -n "$(agent_pids)" ]; do
    [ "$left" -gt 0 ] || return 1
    sleep 1
    left=$((left - 1))
  done
}

# Give a running agent its settings anew.
restart_agent() {
  if is_active; then
    stop_agent || fail "the agent does not stop: process $(agent_pids)"
    start_agent || :
  fi
}

# registered KEY: a value of the agent's registration (ManagedInstanceID, Region); nothing when it is not registered. An
# agent that cleared its registration, or that AWS refused, keeps the file, and a key without a node's id.
registration=/var/lib/amazon/ssm/registration
vault=/var/lib/amazon/ssm/Vault
registered() {
  key=$vault/Store/RegistrationKey
  [ -e "$registration" ] && [ -s "$key" ] || return 0
  tr -d ' \r\n' <"$key" | grep -q '"instanceID":""' || tr -d '\r\n' <"$registration" | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\([^\"]*\)\".*/\1/p"
}

# save_registration: an agent empties its Vault before it asks AWS to register, so that a refusal would cost it what was
# there. What an apply saved that was broken off stays: it is older.
saved=$state/registration.saved
save_registration() {
  [ ! -d "$saved" ] || return 0
  rm -rf "$saved.new"
  (umask 077 && mkdir "$saved.new") || fail "$saved cannot be created"
  for part in "$registration" "$vault"; do
    [ ! -e "$part" ] || cp -pR "$part" "$saved.new/" || fail "$part cannot be saved"
  done
  mv "$saved.new" "$saved" || fail "$saved cannot be created"
}

put_registration_back() {
  for part in "$registration" "$vault"; do
    rm -rf "$part"
    [ ! -e "$saved/${part##*/}" ] || cp -pR "$saved/${part##*/}" "$part" || fail "$part cannot be put back: it is in $saved"
  done
  rm -rf "$saved"
}

# forget_credentials FILE: an agent shares its node's credentials with root's other programs in this file, unless it is
# configured not to. The file is removed if it holds nothing else.
forget_credentials() {
  if [ -f "$1" ] && grep -q '^aws_session_token' "$1" && [ "$(grep -c '^\[' "$1")" = 1 ]; then
    rm -f "$1"
    rmdir "${1%/*}" 2>/dev/null || :
  fi
}
