#!/usr/bin/env python3
"""A supplier to try `quartet sync` on: items whose prices change, orders, questions and categories, and faults if wanted.

    infra/examples/supplier.py --items 5000 --changes 20 --faults 0.05
"""

import argparse
import json
import random
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

parser = argparse.ArgumentParser(description="A supplier to try quartet sync on.")
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8200)
parser.add_argument("--items", type=int, default=5000)
parser.add_argument("--changes", type=float, default=5, help="prices that change each second")
parser.add_argument("--faults", type=float, default=0, help="the part of answers that are a fault, 0 to 1")
parser.add_argument("--token", default="", help="refuse those who do not show it")
parser.add_argument("--seed", type=int, default=7)
options = parser.parse_args()

dice = random.Random(options.seed)
lock = threading.Lock()
clock = 0  # Grows with each change: what a list is as of.
CATEGORIES = ["cups", "plates", "lamps", "chairs"]


def stamped(rows):
    return {row["id"]: (0, row) for row in rows}


lists = {
    "categories": stamped([{"id": name, "name": name.title()} for name in CATEGORIES]),
    "items": stamped(
        [
            {
                "id": f"item-{number:06}",
                "name": f"찻잔 {number}",
                "brand": dice.choice(["도자기", "Acme", "Nord"]),
                "category_id": dice.choice(CATEGORIES),
                "currency": "KRW",
                "price": dice.randrange(10, 900) * 100,
                "list_price": 90_000,
                "stock": dice.randrange(200),
            }
            for number in range(1, options.items + 1)
        ]
    ),
    "orders": stamped([{"id": f"order-{n:05}", "item_id": f"item-{n:06}", "quantity": 1} for n in range(1, 51)]),
    "questions": stamped([{"id": f"question-{n:03}", "item_id": "item-000001", "text": "?"} for n in range(1, 11)]),
}


def change():
    """Another price for some item, again and again."""
    global clock
    items = lists["items"]
    ids = sorted(items)
    while options.changes > 0 and ids:
        time.sleep(1 / options.changes)
        with lock:
            clock += 1
            name = dice.choice(ids)
            items[name] = (clock, {**items[name][1], "price": dice.randrange(10, 900) * 100})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if options.token and self.headers.get("Authorization") != f"Bearer {options.token}":
            return self.answer(401, {"error": "no token"})
        if dice.random() < options.faults:
            return self.fault()
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        rows = lists.get(url.path.strip("/"))
        if rows is None:
            return self.answer(404, {"error": "no such list"})
        limit = min(int(query.get("limit", 100)), 1000)
        since = int(query.get("changed_since", -1))
        with lock:
            # By id, so that a page's rows stay on it whatever changes.
            found = sorted(id for id, (at, _) in rows.items() if at > since and id > query.get("cursor", ""))[: limit + 1]
            page = [rows[id][1] for id in found[:limit]]
            as_of = clock
        answer = {url.path.strip("/"): page, "as_of": str(as_of)}
        if len(found) > limit:
            answer["next"] = found[limit - 1]
        self.answer(200, answer)

    def fault(self):
        kind = dice.choice(["busy", "error", "html"])
        if kind == "busy":
            return self.answer(429, {"error": "slow down"}, {"Retry-After": "1"})
        if kind == "error":
            return self.answer(500, {"error": "broken"})
        self.answer(502, "<html>Bad gateway</html>")

    def answer(self, status, body, headers={}):
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


threading.Thread(target=change, daemon=True).start()
server = ThreadingHTTPServer((options.host, options.port), Handler)
print(f"a supplier of {options.items} items at http://{options.host}:{server.server_port}", flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
