# step: install_agent apply
# variables: kind package patience sha256 version worker
# Install the agent's package. package: where it was uploaded to; sha256: its hash; kind: deb or rpm; version.
# worker: what installs; patience: seconds to wait for other work here.
lock
readable
before=$(installed)
copy=$state/amazon-ssm-agent.$kind
if [ "$before" != "$version" ]; then
  if ! present && [ -x "$agent" ]; then fail "an agent that was not installed from a $kind package already exists: $agent"; fi
  remember "version=$before" "kind=$kind" \
    "folders=$(absent /etc/amazon /etc/amazon/ssm /var/lib/amazon /var/lib/amazon/ssm /var/log/amazon /var/log/amazon/ssm)" \
    "credentials=$(absent /root/.aws/credentials)"
  enter
  # The uploader's account owns the upload. What is installed is a copy that only root can change, checked again.
  (umask 077 && cat "$package" >"$copy") || fail "the package cannot be copied to $copy"
  if [ "$(digest "$copy")" != "$sha256" ]; then
    rm -f "$copy"
    fail "the package is not the one that was verified: its SHA-256 differs"
  fi
  code=0
  work '' || code=$?
  rm -f "$copy"
  report
  [ "$code" = 0 ] || fail "the package manager ended with exit code $code"
fi
[ "$(installed)" = "$version" ] || fail "the package manager succeeded, but version $version is not installed"
[ -x "$agent" ] || fail "the package is installed, but $agent does not exist"
rm -rf "$job" "$copy" # also what a lost connection left
applied
