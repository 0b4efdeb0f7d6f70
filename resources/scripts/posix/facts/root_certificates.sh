# fact: root_certificates
# Which of Amazon's roots does the agent trust here? It is a Go program: it reads the first of these bundles that is
# there (or SSL_CERT_FILE), then every file in these folders (or SSL_CERT_DIR), as its service's environment says.
# ONBOARD_ROOTS: for each root wanted a stretch of its base64; without it every certificate is printed.
# Prints `file FILE` and `count N` for the bundle, and `certificate BASE64` for each that was wanted.
setting() { # NAME: its last value in the agent's service files
  cat /etc/systemd/system/amazon-ssm-agent.service.d/*.conf \
    /etc/systemd/system/snap.amazon-ssm-agent.amazon-ssm-agent.service.d/*.conf \
    /etc/init/amazon-ssm-agent.override 2>/dev/null |
    sed -n -e "s/^[[:space:]]*Environment=.*$1=\"\{0,1\}\([^\" ]*\).*/\1/p" \
      -e "s/^[[:space:]]*env $1=\"\{0,1\}\([^\" ]*\).*/\1/p" | sed -n '$p'
}

bundle=$(setting SSL_CERT_FILE)
if [ -z "$bundle" ]; then
  for file in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem \
    /etc/pki/tls/cacert.pem /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/cert.pem; do
    if [ -e "$file" ]; then
      bundle=$file
      break
    fi
  done
fi
folders=$(setting SSL_CERT_DIR)
folders=${folders:-/etc/ssl/certs:/etc/pki/tls/certs}

if [ -e "$bundle" ] && ! [ -r "$bundle" ]; then
  echo "$bundle can be read by root only" >&2
  exit 1
fi
set --
if [ -n "$bundle" ] && [ -r "$bundle" ] && [ -f "$bundle" ]; then
  set -- "$bundle"
  printf 'file %s\n' "$bundle"
else
  printf 'missing %s\n' "$bundle"
fi
IFS=:
for folder in $folders; do
  for file in "$folder"/*; do
    if [ "$file" != "$bundle" ] && [ -f "$file" ] && [ -r "$file" ]; then set -- "$@" "$file"; fi
  done
done
unset IFS
[ $# -gt 0 ] || exit 0

WANTED=${ONBOARD_ROOTS:-} BUNDLE=$bundle awk '
  BEGIN { marks = split(ENVIRON["WANTED"], mark, " ") }
  { sub(/\r$/, "") }
  /^-----BEGIN CERTIFICATE-----$/ { inside = 1; block = ""; next }
  /^-----END CERTIFICATE-----$/ {
    if (inside && FILENAME == ENVIRON["BUNDLE"]) count++
    if (inside && !(block in seen)) {
      wanted = marks == 0
      for (i = 1; i <= marks; i++) if (index(block, mark[i])) wanted = 1
      if (wanted) { seen[block] = 1; print "certificate " block }
    }
    inside = 0
    next
  }
  inside { gsub(/[ \t]/, ""); block = block $0 }
  END { print "count " count + 0 }' "$@"
