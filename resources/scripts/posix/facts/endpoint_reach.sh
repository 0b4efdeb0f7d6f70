# fact: endpoint_reach
# Does each endpoint answer from here, and who signed its certificate?
# ONBOARD_ENDPOINTS: lines `service URL`. ONBOARD_PROXY, ONBOARD_NO_PROXY: as the agent will have them; without a
# proxy given, the one in the agent's service files is used. A login's own proxy is not: the agent does not see it.
# Certificates are looked at, not verified: which roots the agent trusts is another question.
# Prints lines `service KEY VALUE`: url, via, tool, then what that tool said.
limit=8

if timeout 5 true 2>/dev/null; then within="timeout $limit"; else within=; fi
python=
for name in python3 /usr/libexec/platform-python; do
  if command -v "$name" >/dev/null 2>&1; then
    python=$name
    break
  fi
done

agent_setting() { # NAME, in small letters: its last value in the agent's service files
  cat /etc/systemd/system/amazon-ssm-agent.service.d/*.conf \
    /etc/systemd/system/snap.amazon-ssm-agent.amazon-ssm-agent.service.d/*.conf \
    /etc/init/amazon-ssm-agent.override 2>/dev/null | tr -d '\r' |
    sed -n -e '/^[[:space:]]*#/d' -e "s/.*[\" =]$1=\([^\" ]*\).*/\1/p" \
      -e "s/.*[\" =]$(echo "$1" | tr '[:lower:]' '[:upper:]')=\([^\" ]*\).*/\1/p" | sed -n '$p'
}

proxy=${ONBOARD_PROXY:-}
exempt=${ONBOARD_NO_PROXY:-}
if [ -z "$proxy" ]; then
  proxy=$(agent_setting https_proxy)
  exempt=$(agent_setting no_proxy)
fi
# As the agent reads it: a host and a port without a scheme are an HTTP proxy.
case $proxy in '' | *://*) ;; *) proxy=http://$proxy ;; esac
# A password may itself hold / and @.
hide() { sed 's|://[^[:space:]]*@|://|g'; }
unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY

exempted() { # HOST
  set -f
  IFS=', '
  # shellcheck disable=SC2086 # a list
  set -- "$1" $exempt
  unset IFS
  set +f
  host_asked=$1
  shift
  for entry; do
    [ "$entry" != '*' ] || return 0
    entry=${entry#\*}
    entry=${entry%%:*} # a port; an IPv6 address leaves nothing, or no name
    [ -n "$entry" ] || continue
    case $host_asked in "$entry" | *".${entry#.}") return 0 ;; esac
  done
  return 1
}

take_apart() { # URL: sets scheme, host, port
  scheme=${1%%://*}
  host=${1#*://}
  host=${host%%/*}
  host=${host##*@}
  port=
  case $host in
    \[*\]:*) port=${host##*:} host=${host%:*} ;;
    \[*\]) ;;
    *:*) port=${host##*:} host=${host%:*} ;;
  esac
  if [ -z "$port" ]; then
    case $scheme in http) port=80 ;; *) port=443 ;; esac
  fi
}

by_curl() { # URL VIA
  if [ -n "$2" ]; then
    http_proxy=$2 https_proxy=$2 # in the environment: an argument could be read by anyone here
    export http_proxy https_proxy
  fi
  said=$(curl -q -sSvk -o /dev/null -A onboard --connect-timeout "$limit" --max-time "$limit" \
    -w '\n# %{http_code} %{time_connect} %{ssl_verify_result}\n' "$1" 2>&1)
  echo "exit $?"
  printf '%s\n' "$said" | tr -d '\r' | sed -n -e 's/^curl: /error /p' -e 's/^# /numbers /p' \
    -e 's/^\* *\([Cc]onnected\|Established connection\) to .*/connected yes/p' -e 's/^< [Dd]ate: */date /p' \
    -e '/^\*.*\([Rr]efused\|[Tt]imed out\|unreachable\|No route\)/s/^\*[[:space:]]*/cause /p' \
    -e 's/^\*[[:space:]]*issuer: */issuer /p' -e 's/^\*[[:space:]]*subject: */subject /p'
  echo "at $(date +%s)"
}

by_openssl() { # VIA, after take_apart
  set -- "${1#http://}"
  set -- "${1%%/*}"
  if [ -n "$1" ]; then set -- -proxy "$1"; else set --; fi
  name=$host
  case $host in \[* | *[!0-9.]*) ;; *) name= ;; esac
  case $host in \[*) name= ;; esac
  # Names are sent for the certificate to be the right one; an address is no name.
  if [ -n "$name" ]; then set -- "$@" -servername "$name"; fi
  said=$(printf 'GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: onboard\r\nConnection: close\r\n\r\n' "$host" |
    $within openssl s_client -connect "$host:$port" "$@" -showcerts -ign_eof 2>&1)
  echo "exit $?"
  printf '%s\n' "$said" | tr -d '\r' | sed -n -e 's/^CONNECTED.*/connected yes/p' -e 's/^HTTP\/[0-9.]* \([0-9]*\).*/status \1/p' \
    -e 's/^[Dd]ate: */date /p' -e 's/^ *[0-9]* s: */subject /p' -e 's/^ *i: */issuer /p' \
    -e 's/^ *Verify return code: \(.*\)/verify \1/p' \
    -e '/[Cc]onnect.*[Rr]efused\|errno=\|[Ee]rror\|not known\|[Tt]imed out\|failure\|unreachable\|No route\|CONNECT failed/s/^/error /p' | awk '
      $1 == "error" { if (errors++ > 3) next }
      { print }'
  echo "at $(date +%s)"
}

# All at once in one process. Lines `service URL VIA` in ONBOARD_TASKS.
by_python() {
  "$python" -c '
import base64, os, re, socket, ssl, threading, time
from urllib.parse import unquote, urlsplit

LIMIT = 8.0
lock = threading.Lock()


def read_head(stream):
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        more = stream.recv(4096)
        if not more:
            break
        head += more
    return head.decode("latin-1")


def probe(service, url, via):
    lines = []
    say = lambda key, value: lines.append("%s %s %s" % (service, key, value))
    stage = "connect"
    try:
        target = urlsplit(url)
        secure = target.scheme != "http"
        host, port = target.hostname, target.port or (443 if secure else 80)
        where = "[%s]:%d" % (host, port) if ":" in host else "%s:%d" % (host, port)
        request = "/"
        auth = ""
        end = time.time() + LIMIT
        if via:
            stage = "proxy"
            proxy = urlsplit(via)
            if proxy.username:
                pair = "%s:%s" % (unquote(proxy.username), unquote(proxy.password or ""))
                auth = "Proxy-Authorization: Basic %s\r\n" % base64.b64encode(pair.encode()).decode()
            stream = socket.create_connection((proxy.hostname, proxy.port or 80), LIMIT)
        else:
            stream = socket.create_connection((host, port), LIMIT)
        with stream:
            say("connected", "yes")
            stream.settimeout(max(0.1, end - time.time()))
            if via and secure:
                stream.sendall(("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (where, where, auth)).encode())
                first = read_head(stream).split("\r\n")[0]
                if not re.match(r"HTTP/\S+ 2", first):
                    raise OSError("the proxy answered: %s" % (first or "nothing"))
                auth = ""
            elif via:
                request = "http://%s/" % where
            if secure:
                stage = "tls"
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                stream.settimeout(max(0.1, end - time.time()))
                stream = context.wrap_socket(stream, server_hostname=host)
                say("der", base64.b64encode(stream.getpeercert(True)).decode())
            stage = "http"
            with stream:
                head = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: onboard\r\n%sConnection: close\r\n\r\n"
                stream.settimeout(max(0.1, end - time.time()))
                stream.sendall((head % (request, host, auth)).encode())
                answer = read_head(stream).split("\r\n")
                found = re.match(r"HTTP/\S+ (\d+)", answer[0])
                if found:
                    say("status", found.group(1))
                for line in answer:
                    if line.lower().startswith("date:"):
                        say("date", line[5:].strip())
        say("stage", "done")
    except Exception as error:
        say("stage", stage)
        say("kind", type(error).__name__)
        # What urlsplit says quotes the URL, and so its password.
        text = "the URL of the proxy is wrong" if stage == "proxy" and isinstance(error, ValueError) else str(error)
        say("error", text.replace("\n", " ") or type(error).__name__)
    say("at", "%d" % time.time())
    with lock:
        print("\n".join(lines), flush=True)


tasks = [line.split() for line in os.environ["ONBOARD_TASKS"].splitlines()]
workers = [threading.Thread(target=probe, args=(task + [""])[:3], daemon=True) for task in tasks]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join(LIMIT + 2)
'
}

echo "${ONBOARD_ENDPOINTS:-}" | {
  tasks=
  while read -r service url; do
    [ -n "$url" ] || continue
    take_apart "$url"
    via=
    if [ -n "$proxy" ] && ! exempted "$host"; then via=$proxy; fi
    printf '%s url %s\n%s via %s\n' "$service" "$url" "$service" "$(printf '%s' "$via" | hide)"
    if command -v curl >/dev/null 2>&1; then
      printf '%s tool curl\n' "$service"
      by_curl "$url" "$via" | hide | sed "s/^/$service /" &
    elif [ -n "$python" ]; then
      printf '%s tool python\n' "$service"
      tasks="$tasks$service $url $via
"
    elif ! command -v openssl >/dev/null 2>&1; then
      printf '%s tool none\n%s why neither curl nor python3 or openssl is here to try with\n' "$service" "$service"
    elif [ "$scheme" = http ]; then
      printf '%s tool none\n%s why openssl alone cannot try a http address\n' "$service" "$service"
    elif case $via in *@*) true ;; '') false ;; *) ! openssl s_client -help 2>&1 | grep -q -e '-proxy' ;; esac; then
      printf '%s tool none\n%s why the openssl here cannot go through this proxy\n' "$service" "$service"
    else
      printf '%s tool openssl\n' "$service"
      by_openssl "$via" | sed "s/^/$service /" &
    fi
  done
  if [ -n "$tasks" ]; then
    ONBOARD_TASKS=$tasks
    export ONBOARD_TASKS
    by_python &
  fi
  wait
}
