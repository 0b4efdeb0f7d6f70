# step: install_agent work
# variables: kind limit
# Install the package file: $state/amazon-ssm-agent.$kind. limit: seconds to wait for another package manager.
install() {
  case $kind in
    deb) DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold -i "$state/amazon-ssm-agent.deb" ;;
    rpm) rpm -U "$state/amazon-ssm-agent.rpm" ;;
  esac </dev/null
}
when_free install
