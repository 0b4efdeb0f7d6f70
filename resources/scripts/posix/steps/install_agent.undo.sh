# step: install_agent undo
# variables: patience worker
# Remove the agent's package when it was not there before, and the folders it came with.
# worker: what removes; patience: seconds to wait for other work here.
lock
rm -f "$state"/amazon-ssm-agent.deb "$state"/amazon-ssm-agent.rpm
recall kind
kind=$recalled
recall version
if [ -z "$kind" ]; then
  rm -rf "$job"
  undone no
elif [ -n "$recalled" ]; then
  rm -rf "$job"
  undone no "the agent was upgraded from $recalled to $(installed) and is left so: packages are not downgraded"
else
  worker="kind=$kind
$worker"
  readable
  if present; then
    code=0
    work '' || code=$?
    report
    [ "$code" = 0 ] || fail "the package manager ended with exit code $code"
    ! present || fail "the package manager succeeded, but the package is still installed"
  fi
  rm -rf "$job"
  # Start links of an init script that is gone, which not every package removes.
  for link in /etc/rc[0-6S].d/[SK][0-9][0-9]amazon-ssm-agent; do
    if [ -L "$link" ] && [ ! -e "$link" ]; then rm -f "$link"; fi
  done
  recall folders
  for made in $recalled; do
    case $made in
      # The configuration's folder may hold what another step made, which that step's undo removes.
      /etc/amazon/ssm) find "$made" -mindepth 1 ! -name amazon-ssm-agent.json -exec rm -rf {} + 2>/dev/null ;;
      /var/lib/amazon/ssm | /var/log/amazon/ssm) rm -rf "$made" ;;
    esac
  done
  for made in /etc/amazon/ssm /var/lib/amazon/ssm /var/log/amazon/ssm /etc/amazon /var/lib/amazon /var/log/amazon; do
    case " $recalled " in *" $made "*) rmdir "$made" 2>/dev/null || : ;; esac
  done
  recall credentials
  [ -z "$recalled" ] || forget_credentials "$recalled"
  undone yes
fi
