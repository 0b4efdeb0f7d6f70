# fact: registration
# As which node, and in which Region, is this server registered? The registration's key is never printed.
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
# An agent that cleared its registration, or that AWS refused, keeps the file above, and a key without a node's id.
key=$state/Vault/Store/RegistrationKey
if [ -s "$key" ] && ! tr -d ' \r\n' <"$key" | grep -q '"instanceID":""'; then echo 'key present'; fi
echo 'asked all'
