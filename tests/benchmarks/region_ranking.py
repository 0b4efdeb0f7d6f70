"""How often each way of measuring names the wrong nearest Region, and how long it takes for all of them.

    python tests/benchmarks/region_ranking.py [--trials N]        as root on Linux: Regions stand in network namespaces

Peers measure once by TCP, take the mean of three (awsping's default is the mean), or time one HTTPS request on a new
connection. All run on the same networks as ours: seen from several cities, distances along great circles, queueing
noise on each way (exponential) and loss. A tie that holds the true nearest is no error, and is counted.
"""

import argparse
import json
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPSConnection
from pathlib import Path
from socket import create_connection, getaddrinfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from regionnet import Path as Way
from regionnet import host_of, missing_part, region_network

from onboard.aws.latency import Target, measure
from onboard.aws.regions import offers
from onboard.model.cancel import CancelToken
from onboard.model.latency import rank
from onboard.practice.regions import Site, region_sites, round_trip_ms

CITIES = {
    "Prague": Site(50.1, 14.4),
    "Lyon": Site(45.8, 4.8),
    "Chicago": Site(41.9, -87.6),
    "Bangkok": Site(13.8, 100.5),
    "Auckland": Site(-36.8, 174.8),
    "Bogota": Site(4.7, -74.1),
}
JITTER_MS, LOSS = 1.5, 0.01  # the mean on each way, the share of packets
SAMPLES_OF_A_MEAN = 3
AT_ONCE = 4  # HTTPS requests: more would measure this computer's TLS


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--trials", type=int, default=5, metavar="N", help="from each city (default 5)")
    arguments.add_argument("--inside", metavar="NEAREST", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    if options.inside:
        print(json.dumps(trials(options.inside, options.trials)))
        return
    if part := missing_part():
        sys.exit(f"needs {part}")
    print(f"{len(offers())} Regions, {JITTER_MS} ms mean noise each way, {LOSS:.0%} of packets lost\n")
    quiet = {offer.region: Way(distance(offer.region, CITIES["Prague"])) for offer in offers()}
    print_quiet(run(quiet, 1))
    outcomes: dict[str, list[dict[str, float]]] = defaultdict(list)
    for city, site in CITIES.items():
        noisy = {offer.region: Way(distance(offer.region, site), JITTER_MS, LOSS) for offer in offers()}
        for method, found in run(noisy, options.trials).items():
            outcomes[method] += found
        print(f"  {city} done", file=sys.stderr)
    print_table(outcomes)


def distance(region: str, site: Site) -> float:
    return round_trip_ms(site, region_sites()[region])


def run(ways: Mapping[str, Way], count: int) -> dict[str, list[dict[str, float]]]:
    """method → one outcome for each trial, from a process inside the network."""
    nearest = min(ways, key=lambda region: ways[region].round_trip_ms)
    with tempfile.TemporaryDirectory() as name:
        certificate, key = Path(name) / "certificate", Path(name) / "key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-subj", "/CN=ssm", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
        with region_network(ways, tls=(certificate, key)) as net:
            done = net.run([sys.executable, __file__, "--inside", nearest, "--trials", str(count)], timeout=3600)
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, list[dict[str, float]]] = json.loads(done.stdout)
    for outcome in found["ours"]:
        outcome["off"] = max(abs(outcome.pop(f"ms {region}") - way.round_trip_ms) for region, way in ways.items())
    return found


def trials(nearest: str, count: int) -> dict[str, list[dict[str, float]]]:
    """Inside: every method in turn, so that a noisy minute of this machine hits all."""
    methods: dict[str, Callable[[], dict[str, float]]] = {
        "ours": lambda: ours(nearest),
        "one TCP connect": lambda: simple(nearest, tcp, 1, len(offers())),
        "mean of 3 TCP connects": lambda: simple(nearest, tcp, SAMPLES_OF_A_MEAN, len(offers())),
        "one HTTPS request": lambda: simple(nearest, https, 1, AT_ONCE),
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in methods}
    for _ in range(count):
        for name, method in methods.items():
            found[name].append(method())
    return found


def ours(nearest: str) -> dict[str, float]:
    targets = [Target(offer.region, offer.host) for offer in offers()]
    began = time.perf_counter()
    measured = measure(targets, CancelToken()).latencies
    took = time.perf_counter() - began
    ranking = rank(measured)
    medians = {f"ms {region}": latency.median_ms or 0.0 for region, latency in measured.items()}
    right = nearest == ranking.nearest or nearest in ranking.ties
    return {"wrong": not right, "tie": bool(ranking.ties), "seconds": took, **medians}


def simple(nearest: str, sample: Callable[[str], float], count: int, at_once: int) -> dict[str, float]:
    regions = [offer.region for offer in offers()]

    def mean(region: str) -> float:
        return statistics.fmean(sample(region) for _ in range(count))

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        means = dict(zip(regions, pool.map(mean, regions), strict=True))
    wrong = min(regions, key=lambda region: means[region]) != nearest
    return {"wrong": wrong, "tie": False, "seconds": time.perf_counter() - began}


def tcp(region: str) -> float:
    address = getaddrinfo(host_of(region), 443)[0][4]
    began = time.perf_counter()
    create_connection(address[:2], timeout=10).close()
    return time.perf_counter() - began


def https(region: str) -> float:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    began = time.perf_counter()
    connection = HTTPSConnection(host_of(region), context=context, timeout=10)
    connection.request("GET", "/ping")
    connection.getresponse().read()
    taken = time.perf_counter() - began
    connection.close()
    return taken


def print_quiet(found: Mapping[str, list[dict[str, float]]]) -> None:
    """What this computer itself adds, where the network adds nothing."""
    (one,) = found["ours"]
    print(f"without noise: the median farthest from the truth is {one['off']:.2f} ms off, in {one['seconds']:.2f} s\n")


def print_table(outcomes: Mapping[str, list[dict[str, float]]]) -> None:
    print(f"{'method':<24}{'trials':>8}{'wrong':>8}{'ties':>8}{'seconds, median':>18}{'worst':>8}")
    for method, found in outcomes.items():
        seconds = [outcome["seconds"] for outcome in found]
        wrong, ties = (sum(bool(outcome[kind]) for outcome in found) for kind in ("wrong", "tie"))
        print(
            f"{method:<24}{len(found):>8}{wrong / len(found):>8.0%}{ties / len(found):>8.0%}"
            f"{statistics.median(seconds):>18.2f}{max(seconds):>8.2f}"
        )


if __name__ == "__main__":
    main()
