#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# libmosquitto 2.0.11 (Debian 12) acknowledges a message of QoS 1 before it calls the program: a
# subscriber with a lasting session that ends inside its message callback never gets that message
# again. One would expect "at least once" to count from the end of the callback. Who must not lose
# a message cannot wait in the callback until it is safe.
set -euo pipefail
work="$(mktemp -d)"
broker=
trap '[[ -z "$broker" ]] || kill "$broker" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"

apt-get download -qq mosquitto=2.0.11-1.2+deb12u2 mosquitto-clients=2.0.11-1.2+deb12u2 \
  libmosquitto1=2.0.11-1.2+deb12u2 libmosquitto-dev=2.0.11-1.2+deb12u2 libwebsockets17 libcjson1 \
  libdlt2 libev4 libuv1 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done
libraries="$(dirname "$(find "$PWD" -name 'libmosquitto.so.1' | head -n 1)")"
export LD_LIBRARY_PATH="$libraries"

cat >subscriber.c <<'C'
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends = 0;

static void on_connect(struct mosquitto* m, void* none, int code) {
  (void)none;
  if (code == 0) {
    mosquitto_subscribe(m, NULL, "readings", 1);
  }
}

static void on_subscribe(struct mosquitto* m, void* none, int id, int count, const int* granted) {
  (void)m, (void)none, (void)id, (void)count, (void)granted;
  puts("subscribed");
  fflush(stdout);
}

static void on_message(struct mosquitto* m, void* none, const struct mosquitto_message* got) {
  (void)m, (void)none;
  printf("given %.*s, QoS %d\n", got->payloadlen, (const char*)got->payload, got->qos);
  fflush(stdout);
  if (ends) {
    _exit(3); /* as if killed */
  }
}

int main(int argc, char** argv) {
  mosquitto_lib_init();
  ends = strcmp(argv[argc - 1], "ends") == 0;
  struct mosquitto* m = mosquitto_new("reader", false, NULL);
  mosquitto_connect_callback_set(m, on_connect);
  mosquitto_subscribe_callback_set(m, on_subscribe);
  mosquitto_message_callback_set(m, on_message);
  if (mosquitto_connect(m, "127.0.0.1", 21883, 60) != MOSQ_ERR_SUCCESS) {
    return 2;
  }
  for (int i = 0; i < 30; ++i) {
    mosquitto_loop(m, 100, 1);
  }
  mosquitto_disconnect(m);
  return 0;
}
C
cc -I "$(dirname "$(find "$PWD" -name mosquitto.h | head -n 1)")" subscriber.c -L "$libraries" -lmosquitto -o subscriber

printf 'listener 21883 127.0.0.1\nallow_anonymous true\n' >broker.conf
[[ "$EUID" != 0 ]] || echo 'user root' >>broker.conf
usr/sbin/mosquitto -c broker.conf >broker.log 2>&1 &
broker=$!
sleep 1

{
  echo "a subscriber that ends in its callback:"
  ./subscriber ends >first &
  sleep 1
  usr/bin/mosquitto_pub -p 21883 -t readings -q 1 -m 'number 1'
  wait $! || true
  cat first
  echo "the same session again:"
  ./subscriber stays
  echo "and it does last, for what comes while it is away:"
  usr/bin/mosquitto_pub -p 21883 -t readings -q 1 -m 'number 2'
  ./subscriber stays
} | tee seen

diff - seen <<'EXPECTED'
a subscriber that ends in its callback:
subscribed
given number 1, QoS 1
the same session again:
subscribed
and it does last, for what comes while it is away:
given number 2, QoS 1
subscribed
EXPECTED
echo "as found"
