# fact: name_resolution
# Which addresses do the names of the endpoints have here?
# ONBOARD_ENDPOINTS: lines `service URL`. Prints `service HOST address ADDRESS` and `service HOST error TEXT`; nothing
# of a name that could not be looked up, because what looks it up does not work.
if timeout 8 true 2>/dev/null; then within='timeout 8'; else within=; fi

# look_up asks, `addresses` finds them in what was said, is_absent: does what was said mean that there is no such name?
if command -v getent >/dev/null 2>&1; then
  is_absent() { [ "$code" = 2 ]; }
  look_up() { $within getent ahosts "$1"; }
  addresses() { sed 's/[[:space:]].*//'; }
elif command -v python3 >/dev/null 2>&1; then
  is_absent() { [ "$code" = 2 ]; }
  look_up() {
    $within python3 -c 'import socket, sys
try:
    for found in socket.getaddrinfo(sys.argv[1], 443): print(found[4][0])
except socket.gaierror: sys.exit(2)' "$1"
  }
  addresses() { cat; }
elif command -v host >/dev/null 2>&1; then
  is_absent() { [ -n "$said" ]; } # it always says something
  look_up() { $within host "$1"; }
  addresses() { sed -n 's/.* has .*address //p'; }
elif command -v nslookup >/dev/null 2>&1; then
  is_absent() { [ -n "$said" ]; }
  look_up() { $within nslookup "$1"; }
  addresses() { sed -n -e '1,/^$/d' -e 's/^Address[ 0-9]*: *\([^ ]*\).*/\1/p'; }
else
  echo 'neither getent nor python3, host or nslookup is here to look up names with' >&2
  exit 1
fi

resolve() { # SERVICE HOST
  case $2 in
    *:* | *[!0-9.]*) ;;
    *)
      printf '%s %s address %s\n' "$1" "$2" "$2"
      return
      ;;
  esac
  case $2 in *:*)
    printf '%s %s address %s\n' "$1" "$2" "$2"
    return
    ;;
  esac
  before=$(date +%s)
  said=$(look_up "$2" 2>/dev/null)
  code=$?
  found=$(printf '%s\n' "$said" | addresses | sort -u)
  if [ -n "$found" ]; then
    for address in $found; do printf '%s %s address %s\n' "$1" "$2" "$address"; done
  elif [ $(($(date +%s) - before)) -ge 7 ]; then
    printf '%s %s error no name server answered within 8 seconds\n' "$1" "$2"
  elif is_absent; then
    printf '%s %s error the name is not known here\n' "$1" "$2"
  fi
}

echo "$ONBOARD_ENDPOINTS" | {
  while read -r service url; do
    [ -n "$url" ] || continue
    host=${url#*://}
    host=${host%%/*}
    host=${host##*@}
    case $host in
      \[*) host=${host#\[} host=${host%%\]*} ;;
      *) host=${host%%:*} ;;
    esac
    resolve "$service" "$host" &
  done
  wait
}
