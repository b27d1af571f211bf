#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server under attack: bodies that trickle, floods of log-ins, sockets that say nothing, and packed
bodies that become huge, while honest users train and ask. Prints what the server took of memory and
how long the honest users waited; exits with 1 beyond the limits.

    bench/hostile.py build/release/examples/server --seconds 600
"""

import argparse
import gzip
import http.client
import itertools
import json
import multiprocessing
import os
import resource
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PASSWORD = "an honest password"
WEIGHT = 10 << 20  # bytes that a bomb becomes


def raise_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def source(number):
    """An address of this machine, one of many, so that no limit of a single address holds all."""
    return f"127.{1 + number // 250 % 250}.{number // 62500 % 250}.{1 + number % 250}"


def connect(port, number=0):
    return socket.create_connection(("127.0.0.1", port), 10, (source(number), 0))


def ask(port, method, path, body=None, token=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, 30)
    fields = dict(headers or {})
    if token:
        fields["Authorization"] = "Bearer " + token
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection.request(method, path, data, fields)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text) if text else {}


def log_in(port, user, password):
    status, answer = ask(port, "POST", "/v1/sessions", {"user_id": user, "password": password})
    if status != 201:
        raise SystemExit(f"log-in of {user} refused: {status} {answer}")
    return answer["access_token"]


class Counts:
    """What all processes of a kind have done together."""

    def __init__(self):
        self.done = multiprocessing.Value("q", 0)
        self.failed = multiprocessing.Value("q", 0)

    def add(self, good=True):
        of = self.done if good else self.failed
        with of.get_lock():
            of.value += 1


def trickle(port, token, until, counts, number):
    """Bodies of which a byte comes every now and then: strangers' and users'."""
    raise_descriptors()
    opened = []
    for i in range(100):
        path, field = ("/v1/sessions", "") if i % 2 else (
            "/v1/clusters", f"Authorization: Bearer {token}\r\n")
        head = (f"POST {path} HTTP/1.1\r\nHost: h\r\n{field}"
                "Content-Type: application/json\r\nContent-Length: 30000\r\n\r\n{")
        opened.append([None, head.encode()])
    while time.monotonic() < until:
        for each in opened:
            try:
                if each[0] is None:
                    each[0] = connect(port, number)
                    each[0].sendall(each[1])
                else:
                    each[0].sendall(b" ")
                counts.add()
            except OSError:
                if each[0] is not None:
                    each[0].close()
                each[0] = None
                counts.add(False)
        time.sleep(0.5)


def flood_logins(port, token, until, counts, number):
    """Wrong passwords of users who are there and of others, as fast as they are answered."""
    for i in itertools.count():
        if time.monotonic() >= until:
            return
        try:
            connection = http.client.HTTPConnection(
                "127.0.0.1", port, 30, source_address=(source(number * 10007 + i), 0))
            user = "honest" if i % 2 else f"nobody{i}"
            connection.request("POST", "/v1/sessions",
                               json.dumps({"user_id": user, "password": "wrong" * 5}))
            counts.add(connection.getresponse().status in (401, 429, 503))
            connection.close()
        except OSError:
            counts.add(False)
            time.sleep(0.01)


def stay_idle(port, token, until, counts, sockets):
    """Sockets that say nothing, opened again where the server closes them."""
    raise_descriptors()
    poller = select.epoll()
    opened = {}
    number = 0
    while time.monotonic() < until:
        for _ in range(min(200, sockets - len(opened))):
            number += 1
            try:
                made = connect(port, number)
            except OSError:
                counts.add(False)
                time.sleep(0.01)
                break
            opened[made.fileno()] = made
            poller.register(made, select.EPOLLIN | select.EPOLLHUP)
            counts.add()
        for descriptor, _ in poller.poll(0.05 if len(opened) == sockets else 0, 1000):
            poller.unregister(descriptor)
            opened.pop(descriptor).close()


def throw_bombs(port, token, until, counts, number):
    """Ten megabytes of blanks in ten kilobytes, as log-in, sample and table."""
    bomb = gzip.compress(b" " * WEIGHT, 9)
    paths = ["/v1/sessions", "/v1/clusters", "/v1/me/tokens"]
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    for i in itertools.count():
        if time.monotonic() >= until:
            return
        try:
            if i % 10 == 9:  # a table that is only unpacked when it is imported
                status, upload = ask(port, "POST", "/v1/uploads", {
                    "name": f"bomb {number} {i}", "format": "csv", "sizes": [len(bomb)]}, token)
                if status == 201:
                    ask(port, "PUT", "/v1/parts/" + upload["parts"][0]["id"], bomb, token)
                    ask(port, "POST", f"/v1/uploads/{upload['id']}/finish", b"", token)
                    ask(port, "DELETE", "/v1/uploads/" + upload["id"], None, token)
                counts.add(status in (201, 409, 422, 429, 503))
            else:
                status, _ = ask(port, "POST", paths[i % 3], bomb, token, packed)
                counts.add(status in (400, 401, 413, 422, 429, 503))
        except OSError:
            counts.add(False)


def be_honest(port, token, cluster, until, results, errors):
    """Asks, and every tenth time trains, a hundred times a second."""
    head = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    question = json.dumps({"inputs": {"input": [20.5]}})
    lesson = json.dumps({"inputs": {"input": [20.5]}, "targets": {"output": [4]}})
    connection = http.client.HTTPConnection("127.0.0.1", port, 30)
    waited = []
    failed = 0
    for i in itertools.count():
        if time.monotonic() >= until:
            break
        what = "train" if i % 10 == 9 else "infer"
        begun = time.perf_counter()
        try:
            connection.request("POST", f"/v1/clusters/{cluster}/{what}",
                               lesson if what == "train" else question, head)
            answer = connection.getresponse()
            answer.read()
            good = answer.status == 200
        except (OSError, http.client.HTTPException):
            good = False
            connection.close()
        waited.append(time.perf_counter() - begun)
        failed += not good
        time.sleep(max(0.0, 0.01 - waited[-1]))
    results.put(waited)
    with errors.get_lock():
        errors.value += failed


def memory_of(process):
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["VmHWM"].split()[0]) / 1024


def start(server, folder, connections):
    settings = {
        "HANAMI_DATA": os.path.join(folder, "data"), "HANAMI_HTTP_PORT": "0",
        "HANAMI_HTTP_CONNECTIONS": str(connections), "HANAMI_LOG_LEVEL": "error",
        "HANAMI_LOG_FILE": os.path.join(folder, "log"), "HANAMI_ADMIN_PASSWORD": PASSWORD,
    }
    running = subprocess.Popen([os.path.abspath(server)], env={**os.environ, **settings}, stdout=subprocess.PIPE,
                               text=True)
    for line in running.stdout:
        if line.startswith("hanami listens on"):
            port = int(line.rsplit(":", 1)[1])
        if line.startswith("data:"):
            return running, port
    raise SystemExit("the server does not start")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("server", help="the program")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--sockets", type=int, default=20000, help="that say nothing")
    parser.add_argument("--users", type=int, default=4, help="honest ones, at once")
    parser.add_argument("--most-mb", type=float, default=200, help="memory of the server; 0: any")
    parser.add_argument("--most-ms", type=float, default=5, help="of the median; 0: any")
    given = parser.parse_args()

    most = raise_descriptors()
    # What the server keeps for files, and the users, trickles and bombs need theirs, too.
    sockets = min(given.sockets, most - min(max(most // 4, 32), 8192) - 500)
    counts = {name: Counts() for name in ("trickles", "log-ins", "idle", "bombs")}
    with tempfile.TemporaryDirectory(prefix="hanami-hostile-") as folder:
        running, port = start(given.server, folder, sockets + 500)
        try:
            good = attack(given, running.pid, port, sockets, counts)
            good = running.poll() is None and good
        finally:
            running.send_signal(signal.SIGTERM)
            ended = running.wait(60)
        if ended != 0:
            print(f"the server ended with {ended}")
    sys.exit(0 if good and ended == 0 else 1)


def attack(given, process, port, sockets, counts):
    admin = log_in(port, "admin", PASSWORD)
    tokens = {}
    for user in ("honest", "hostile"):
        ask(port, "POST", "/v1/projects", {"id": user, "name": user}, admin)
        ask(port, "POST", "/v1/users", {"id": user, "name": user, "password": PASSWORD}, admin)
        ask(port, "PUT", f"/v1/projects/{user}/members/{user}", {"role": "member"}, admin)
        tokens[user] = log_in(port, user, PASSWORD)
    clusters = [ask(port, "POST", "/v1/clusters", {"name": f"c{i}"}, tokens["honest"])[1]["id"]
                for i in range(given.users)]
    at_rest, _ = memory_of(process)

    until = time.monotonic() + given.seconds
    results = multiprocessing.Queue()
    errors = multiprocessing.Value("q", 0)
    users = [multiprocessing.Process(target=be_honest, args=(
        port, tokens["honest"], cluster, until, results, errors)) for cluster in clusters]
    kinds = [(trickle, "trickles", range(2)), (flood_logins, "log-ins", range(4)),
             (throw_bombs, "bombs", range(2)),
             (stay_idle, "idle", [sockets // 2, sockets - sockets // 2])]
    attackers = [multiprocessing.Process(target=work, args=(
        port, tokens["hostile"], until, counts[name], number))
        for work, name, numbers in kinds for number in numbers]
    for each in users + attackers:
        each.start()
    most_open = 0
    while time.monotonic() < until:
        most_open = max(most_open, len(os.listdir(f"/proc/{process}/fd")))
        time.sleep(0.5)
    now, peak = memory_of(process)
    waited = sorted(second for _ in users for second in results.get())
    for each in users + attackers:
        each.join(60)

    median = 1000 * statistics.median(waited)
    p99 = 1000 * waited[int(0.99 * (len(waited) - 1))]
    print(f"{given.seconds:g} s, up to {most_open} descriptors of the server, {sockets} sockets idle")
    for name, of in counts.items():
        print(f"{name}: {of.done.value} as expected, {of.failed.value} broken off")
    print(f"memory of the server: {at_rest:.0f} MB at rest, {now:.0f} MB now, {peak:.0f} MB at most")
    print(f"honest users: {len(waited)} requests, {errors.value} failed, "
          f"median {median:.2f} ms, p99 {p99:.2f} ms")
    good = errors.value == 0
    if given.most_mb and peak > given.most_mb:
        print(f"more than {given.most_mb:g} MB")
        good = False
    if given.most_ms and median > given.most_ms:
        print(f"a median of more than {given.most_ms:g} ms")
        good = False
    return good


if __name__ == "__main__":
    main()
