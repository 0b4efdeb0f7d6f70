# fact: proxy_in_force
# Which proxies are set, and where? The agent is a service: it sees its own service files and what systemd gives to
# all services, not /etc/environment and not a login's. Names and passwords in the URLs are left out.
# Prints `PLACE NAME VALUE`, and for each drop-in of the agent's service `drop_in PATH SHA256`, then its lines.
# A password may itself hold / and @; and a proxy may be given without http://.
hide() { sed -e 's|://[^[:space:]"]*@|://|g' -e 's|\([Pp][Rr][Oo][Xx][Yy]=["'\'']\{0,1\}\)[^[:space:]"]*@|\1|g'; }

# Lines NAME=VALUE of the proxies in lines of shell or systemd settings.
proxies() {
  tr -d '\r' | sed -n -e 's/^[[:space:]]*//' -e 's/^export //' -e '/^#/d' -e 's/^DefaultEnvironment=//' -e 's/^Environment=//' \
    -e 's/^env //' -e '/[Pp][Rr][Oo][Xx][Yy]=/p' | awk '{
      # Words of systemd may be quoted as a whole, values of a shell on their own.
      line = $0
      while (match(line, /("?)[A-Za-z_]*[Pp][Rr][Oo][Xx][Yy]=("[^"]*"|\047[^\047]*\047|[^ \t"]*)/)) {
        word = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        gsub(/["\047]/, "", word)
        print word
      }
    }' | sed -e 's|=\([A-Za-z]*://\).*@|=\1|' -e 's|=.*@|=|'
}

show() { # PLACE, from standard input
  proxies | while IFS='=' read -r name value; do printf '%s %s %s\n' "$1" "$name" "$value"; done
}

digest() { # FILE
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum <"$1" | sed 's/[^0-9a-f].*//'
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 <"$1" | sed 's/.*[^0-9a-f]\([0-9a-f]*\)$/\1/'
  else
    echo -
  fi
}

env | sed '/^ONBOARD_/d' | show login
if [ -r /etc/environment ]; then show machine </etc/environment; fi
cat /etc/systemd/system.conf /etc/systemd/system.conf.d/*.conf 2>/dev/null | sed -n '/^[[:space:]]*DefaultEnvironment=/p' |
  show services
for file in /etc/systemd/system/amazon-ssm-agent.service.d/*.conf \
  /etc/systemd/system/snap.amazon-ssm-agent.amazon-ssm-agent.service.d/*.conf /etc/init/amazon-ssm-agent.override; do
  [ -r "$file" ] || continue
  show agent <"$file"
  printf 'drop_in %s %s\n' "$file" "$(digest "$file")"
  hide <"$file" | sed 's/^/| /'
  echo
done
echo 'asked all'
