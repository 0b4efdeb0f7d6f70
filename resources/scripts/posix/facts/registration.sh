# fact: registration
# As which node, and in which Region, is this server registered? The registration's key is never looked at.
state=/var/lib/amazon/ssm
if [ -d "$state" ] && ! [ -x "$state" ]; then
  echo "$state can be read by root only" >&2
  exit 1
fi
if [ -e "$state/registration" ]; then
  if ! [ -r "$state/registration" ]; then
    echo "$state/registration can be read by root only" >&2
    exit 1
  fi
  printf 'registration '
  tr -d '\r\n' <"$state/registration"
  echo
fi
if [ -e "$state/Vault/Store/RegistrationKey" ]; then echo 'key present'; fi
echo 'asked all'
