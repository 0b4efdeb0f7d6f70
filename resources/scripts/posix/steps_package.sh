# The agent's package, and the package manager.
# Needs: kind (deb or rpm).
# shellcheck shell=sh

# readable: fails where the package manager cannot say what is installed, since that is not "not installed".
readable() {
  case $kind in
    deb) told=$(dpkg-query -W amazon-ssm-agent 2>&1) || [ $? = 1 ] || fail "dpkg cannot say what is installed: $told" ;;
    rpm) told=$(LC_ALL=C rpm -q amazon-ssm-agent 2>&1) || case $told in
      *error:*) fail "rpm cannot say what is installed: $told" ;;
      *'is not installed'*) ;;
      *) fail "rpm cannot say what is installed: $told" ;;
    esac ;;
  esac
}

# installed: the version that is installed completely, without the packager's own number; nothing when there is none.
installed() {
  case $kind in
    deb)
      # shellcheck disable=SC2016 # dpkg fills these in
      dpkg-query -W -f '${Status} ${Version}\n' amazon-ssm-agent 2>/dev/null |
        sed -n -e 's/^[a-z]* ok installed \(.*\)/\1/p' | sed 's/-1$//'
      ;;
    rpm) rpm -q --qf '%{VERSION}\n' amazon-ssm-agent 2>/dev/null | sed -n '/^[0-9]/p' ;;
  esac
}

# present: whether the package manager has any part of the package, half installed or unpacked.
present() {
  case $kind in
    deb)
      # shellcheck disable=SC2016 # dpkg fills these in
      dpkg-query -W -f '${Status}\n' amazon-ssm-agent 2>/dev/null | grep -q -v -e ' not-installed$' -e ' config-files$'
      ;;
    rpm) rpm -q amazon-ssm-agent >/dev/null 2>&1 ;;
  esac
}

digest() { # FILE: its SHA-256 in hex
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | sed 's/[^0-9a-f].*//'
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 <"$1" | sed 's/[^0-9a-f].*//'
  else
    openssl dgst -sha256 <"$1" | sed 's/.*[^0-9a-f]\([0-9a-f]*\)$/\1/'
  fi
}
