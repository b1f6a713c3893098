"""An observer as meshcoretomqtt is one: the same client id, login, last will, status and packets, over the same library.

It takes one argument, JSON: host, port, transport (tcp or websockets), path, ca (a PEM file, or nothing), seed (64 hex
digits), iata, audience, frames (hex), end (lost or stopped). What it does, it says on standard error, a line each.
"""

import base64
import hashlib
import json
import os
import re
import sys
import threading
import time
from datetime import datetime, timezone

import paho.mqtt.client as mqtt

VERSION = "meshcoretomqtt/1.1.0"

# Ed25519 (RFC 8032), with the 64-byte expanded key that nodes keep instead of a seed.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P


def recover_x(y):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return x if x % 2 == 0 else P - x


BASE = (recover_x(BASE_Y), BASE_Y)


def add(one, other):
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    return (
        (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P,
        (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P,
    )


def times(scalar, point):
    result = (0, 1)
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def encoded(point):
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def expanded_key(seed):
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return bytes(digest)


def public_key(expanded):
    return encoded(times(int.from_bytes(expanded[:32], "little"), BASE))


def sign(expanded, message):
    scalar, prefix, public = int.from_bytes(expanded[:32], "little"), expanded[32:], public_key(expanded)
    number = lambda *parts: int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % ORDER
    nonce = number(prefix, message)
    point = encoded(times(nonce, BASE))
    proof = (nonce + number(point, public, message) * scalar) % ORDER
    return point + proof.to_bytes(32, "little")


def token(expanded, audience):
    now = int(time.time())
    header = {"alg": "Ed25519", "typ": "JWT"}
    claims = {"publicKey": public_key(expanded).hex().upper(), "iat": now, "exp": now + 3600}
    if audience:
        claims["aud"] = audience
    claims["client"] = VERSION
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=")
    signed = part(header) + b"." + part(claims)
    return (signed + b"." + sign(expanded, signed).hex().upper().encode()).decode()


def say(line):
    print(line, file=sys.stderr, flush=True)


class Observer:
    def __init__(self, options):
        self.options = options
        expanded = expanded_key(bytes.fromhex(options["seed"]))
        self.key = public_key(expanded).hex().upper()
        client_id = re.sub("[^A-Za-z0-9_-]", "", "meshcore_" + self.key)[:23]
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=True,
            protocol=mqtt.MQTTv311,
            transport=options["transport"],
        )
        self.client.username_pw_set("v1_" + self.key, token(expanded, options.get("audience")))
        if options["transport"] == "websockets":
            self.client.ws_set_options(path=options["path"])
        if options.get("ca"):
            self.client.tls_set(ca_certs=options["ca"])
        self.client.will_set(self.topic("status"), self.status("offline", None), qos=0, retain=True)
        self.connected, self.subscribed = threading.Event(), threading.Event()
        self.client.on_connect = self.on_connect
        self.client.on_subscribe = self.on_subscribe

    def topic(self, kind):
        return f"meshcore/{self.options['iata']}/{self.key}/{kind}"

    def now(self):
        return datetime.now(timezone.utc)

    def status(self, status, stats):
        message = {
            "status": status,
            "timestamp": self.now().isoformat(),
            "origin": "Roof",
            "origin_id": self.key,
            "radio": "869.618,62.5,8,8",
            "model": "Heltec V3",
            "firmware_version": "v1.14.1",
            "client_version": VERSION,
        }
        if stats:
            message["stats"] = stats
        return json.dumps(message)

    def packet(self, frame):
        now = self.now()
        size = len(frame) // 2
        return json.dumps({
            "origin": "Roof", "origin_id": self.key, "timestamp": now.isoformat(), "type": "PACKET",
            "direction": "rx", "time": now.strftime("%H:%M:%S"), "date": f"{now.day}/{now.month}/{now.year}",
            "len": str(size), "packet_type": str(int(frame[:2], 16) >> 2 & 15), "route": "F",
            "payload_len": str(size - 2), "raw": frame, "SNR": "5", "RSSI": "-93", "score": "1000",
            "duration": "412", "hash": None,
        })

    def on_connect(self, client, userdata, flags, reason, properties):
        say(f"connected: {reason}")
        if not reason.is_failure:
            stats = {"battery_mv": 4187, "uptime_secs": 75821, "noise_floor": -109, "tx_air_secs": 80}
            client.publish(self.topic("status"), self.status("online", stats), qos=0, retain=True)
            client.subscribe(self.topic("serial/commands"), qos=1)
            self.connected.set()

    def on_subscribe(self, client, userdata, mid, reasons, properties):
        say(f"subscribed: {reasons[0]}")
        self.subscribed.set()

    def run(self):
        self.client.connect(self.options["host"], self.options["port"], keepalive=60)
        self.client.loop_start()
        if not self.connected.wait(10) or not self.subscribed.wait(10):
            sys.exit("not connected in time")
        for frame in self.options["frames"]:
            self.client.publish(self.topic("packets"), self.packet(frame), qos=0).wait_for_publish(10)
        say(f"published: {len(self.options['frames'])}")
        if self.options["end"] == "lost":
            os._exit(0)
        self.client.publish(self.topic("status"), self.status("offline", None), qos=0).wait_for_publish(10)
        self.client.disconnect()
        self.client.loop_stop()
        say("stopped")


Observer(json.loads(sys.argv[1])).run()
