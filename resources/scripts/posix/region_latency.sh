# region_latency
# How long does connecting to each Region's endpoint take from here? As onboard/aws/latency.py measures, with Python.
# ONBOARD_TARGETS: lines `REGION HOST PORT`. ONBOARD_PROXY: http://[USER:PASSWORD@]HOST[:PORT], or empty.
# ONBOARD_NO_PROXY: hosts and domains reached without it, separated by commas.
# Prints `python no` where there is none; else lines `via WORDS`, `sample REGION MILLISECONDS`, `lost REGION WHY`,
# `unknown REGION WHY` for a name that cannot be resolved, and `finished`.
python=
for name in python3 /usr/libexec/platform-python python; do
  if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import socket, threading' >/dev/null 2>&1; then
    python=$name
    break
  fi
done
[ -n "$python" ] || {
  echo 'python no'
  exit 0
}
# The proxy stands in the environment, not in an argument: anyone on the server may read those.
export ONBOARD_TARGETS ONBOARD_PROXY ONBOARD_NO_PROXY
"$python" -c '
from __future__ import print_function
import base64, errno, os, random, select, socket, sys, threading, time

try:
    from urllib.parse import unquote, urlsplit
except ImportError:  # Python 2
    from urllib import unquote
    from urlparse import urlsplit

ROUNDS, GAP, ROUND, LIMIT, NAMES_LIMIT = 11, 0.006, 0.05, 1.0, 5.0
clock = getattr(time, "perf_counter", time.time)
targets = [line.split() for line in os.environ["ONBOARD_TARGETS"].splitlines() if line.strip()]
proxy = urlsplit(os.environ.get("ONBOARD_PROXY") or "")
no_proxy = [entry.strip() for entry in os.environ.get("ONBOARD_NO_PROXY", "").split(",")]
exempt = [entry.lstrip("*.") for entry in no_proxy]


def exempted(host):
    return "*" in no_proxy or any(entry and (host == entry or host.endswith("." + entry)) for entry in exempt)


def request_of(host, port):
    where = "%s:%s" % (host, port)
    auth = ""
    if proxy.username:
        pair = "%s:%s" % (unquote(proxy.username), unquote(proxy.password or ""))
        auth = "Proxy-Authorization: Basic %s\r\n" % base64.b64encode(pair.encode()).decode()
    return ("CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (where, where, auth)).encode()


addresses = {}


def look_up(host):
    try:
        found = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)[0]
        addresses[host] = (found[0], found[4])
    except (OSError, IOError, UnicodeError) as error:
        addresses[host] = getattr(error, "strerror", None) or str(error)


through = bool(proxy.hostname) and not any(exempted(host) for _, host, _ in targets)
names = [proxy.hostname] if through else [host for _, host, _ in targets]
workers = [threading.Thread(target=look_up, args=(name,)) for name in set(names)]
for worker in workers:
    worker.daemon = True
    worker.start()
end = time.time() + NAMES_LIMIT
for worker in workers:
    worker.join(max(0.0, end - time.time()))

known = []
for region, host, port in targets:
    found = addresses.get(proxy.hostname if through else host, "the name servers do not answer")
    if isinstance(found, tuple):
        address = (found[1][0], int((proxy.port or 80) if through else port)) + tuple(found[1][2:])
        known.append((region, found[0], address, request_of(host, port) if through else b""))
    else:
        print("unknown %s %s" % (region, found))

gap = max(GAP, ROUND / max(1, len(known)))
starts = []
for number in range(ROUNDS):
    for one in random.sample(known, len(known)):
        starts.append((len(starts) * gap + random.uniform(0, gap / 2), number, one))
starts.reverse()
begin = clock()
open_ones = {}  # socket -> [Region, counts, began, deadline, request, asked, received]
called = ""


def done(sock, line):
    counts = open_ones.pop(sock)[1]
    sock.close()
    if counts:
        print(line)


while starts or open_ones:
    now = clock()
    if starts and starts[-1][0] + begin <= now and len(open_ones) < 128:
        _, number, (region, family, address, request) = starts.pop()
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        now = clock()
        code = sock.connect_ex(address)
        open_ones[sock] = [region, number > 0, now, now + LIMIT, request, False, b""]
        if code not in (0, errno.EINPROGRESS):
            done(sock, "lost %s %s" % (region, os.strerror(code)))
        continue
    readers = [sock for sock, one in open_ones.items() if one[5]]
    writers = [sock for sock, one in open_ones.items() if not one[5]]
    wait = min(max(0.0, starts[-1][0] + begin - now), 0.02) if starts else 0.02
    readable, writable, _ = select.select(readers, writers, [], wait)
    now = clock()
    for sock in writable:
        one = open_ones[sock]
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            done(sock, "lost %s %s" % (one[0], os.strerror(code)))
        elif one[4]:
            one[5], one[2] = True, clock()
            sock.send(one[4])
        else:
            done(sock, "sample %s %.3f" % (one[0], (now - one[2]) * 1000))
    for sock in readable:
        one = open_ones[sock]
        try:
            more = sock.recv(4096)
        except (OSError, IOError):
            more = b""
        one[6] += more
        if more and b"\r\n\r\n" not in one[6] and len(one[6]) < 16384:
            continue
        lines = one[6].decode("latin-1").split("\r\n")
        words = lines[0].split(" ", 2)
        if len(words) > 1 and words[1][:1] == "2":
            called = called or "".join(line[4:] for line in lines if line.lower().startswith("via:")).strip()[:80]
            done(sock, "sample %s %.3f" % (one[0], (now - one[2]) * 1000))
        else:
            done(sock, "lost %s the proxy answered: %s" % (one[0], " ".join(words[1:]) or "nothing"))
    for sock in [sock for sock, one in open_ones.items() if one[3] <= now]:
        done(sock, "lost %s no answer within 1 second" % open_ones[sock][0])

if through:
    print("via proxy %s:%s%s" % (proxy.hostname, proxy.port or 80, " (%s)" % called if called else ""))
else:
    print("via direct")
print("finished")
sys.stdout.flush()
os._exit(0)  # a name server may still keep a thread
'
