# step: install_agent unwork
# variables: limit
# Remove the package. kind: deb or rpm, from install_agent.undo.sh; limit: seconds to wait for another package manager.
remove() {
  case $kind in
    deb) DEBIAN_FRONTEND=noninteractive dpkg -P amazon-ssm-agent ;;
    rpm) rpm -e amazon-ssm-agent ;;
  esac </dev/null
}
when_free remove
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
