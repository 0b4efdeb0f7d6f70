# step: install_roots apply
# variables: certificates folder pem_* suffix tool
# Add root certificates to the system's trust store, in files of our own names, and rebuild its bundle.
# folder and suffix: where and how such files are called; tool: what rebuilds; certificates: their names;
# pem_NAME: each one's PEM.
command -v "$tool" >/dev/null 2>&1 || fail "the trust store cannot be changed: $tool is not here"
[ -d "$folder" ] || fail "the trust store cannot be changed: the folder $folder is not here"

# Whether the bundle that the agent reads has this line of a certificate.
trusted() {
  for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    if [ -r "$bundle" ]; then
      grep -qF "$1" "$bundle"
      return
    fi
  done
  return 1
}

wrong=
pem=
for name in $certificates; do
  eval "pem=\$pem_$name"
  line=$(printf '%s\n' "$pem" | sed -n 6p)
  file=$folder/onboard-$name$suffix
  if [ ! -e "$file" ] || ! trusted "$line"; then wrong=yes; fi
done

if [ -n "$wrong" ]; then
  remember "folder=$folder" "suffix=$suffix" "tool=$tool" "certificates=$certificates"
  for name in $certificates; do
    eval "pem=\$pem_$name"
    file=$folder/onboard-$name$suffix
    printf '%s\n' "$pem" >"$file" && chmod 644 "$file" || fail "$file cannot be written"
  done
  # shellcheck disable=SC2046 # its own argument, for the one tool that wants it
  "$tool" $(case $tool in update-ca-trust) echo extract ;; esac) >&2 || fail "$tool failed"
fi

for name in $certificates; do
  eval "pem=\$pem_$name"
  trusted "$(printf '%s\n' "$pem" | sed -n 6p)" || fail "$tool ran, but $name is not in the bundle afterwards"
done
applied
