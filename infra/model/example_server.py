#!/usr/bin/env python3
"""An example of a model server for `emotion.analyzer: http`: standard library only, a dozen words for a model.

    python3 infra/model/example_server.py --port 8399
    and in the configuration: emotion.analyzer: http, emotion.http.url: http://127.0.0.1:8399/analyze

POST {"reviews": [{"id", "text"}, ...]} answers {"readings": [...]}, one for each review, in any order:
{"id", "scores": all seven emotions 0...1, "polarity": -1...1} and optionally "emotion", "keywords" (at most 16, 64 bytes
each), "excerpt" (at most 240 bytes) and "aspects" (at most 16 of {"term", "polarity": -1...1} and optionally "category",
"opinion", "text" and "span", two byte offsets), or {"id", "error"}. The same text must always get the same reading. Replace
`read` with your model; raise `emotion.http.version` whenever it changes.
"""

import argparse
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EMOTIONS = ["joy", "sadness", "anger", "fear", "disgust", "surprise", "neutral"]
BODY_BYTES_MAX = 16 * 1024 * 1024
WORDS = {
    "좋": ("joy", 1), "최고": ("joy", 1), "재밌": ("joy", 1), "good": ("joy", 1), "love": ("joy", 1),
    "슬프": ("sadness", -1), "실망": ("sadness", -1), "sad": ("sadness", -1),
    "짜증": ("anger", -1), "최악": ("anger", -1), "angry": ("anger", -1),
    "무서": ("fear", -1), "scary": ("fear", -1),
    "더럽": ("disgust", -1), "gross": ("disgust", -1),
    "놀라": ("surprise", 0), "wow": ("surprise", 0),
}


ASPECTS = {"배송": "delivery", "가격": "price", "delivery": "delivery", "price": "price", "quality": "quality"}


def aspects(text, polarity):
    """What the text names, judged as the whole text is; a real model judges by the clause."""
    named = {word: category for word, category in ASPECTS.items() if word in text.lower()}
    return [{"term": word, "category": category, "polarity": polarity} for word, category in named.items()]


def excerpt(text):
    """The beginning of the text, at most 240 bytes and no half character."""
    return text.encode()[:240].decode(errors="ignore")


def read(text):
    """A reading of one text."""
    weights = dict.fromkeys(EMOTIONS, 0.0)
    weights["neutral"] = 0.5
    polarity, keywords = 0, []
    lowered = text.lower()
    for word, (emotion, sign) in WORDS.items():
        if word in lowered:
            weights[emotion] += 1
            polarity += sign
            keywords.append(word)
    total, polarity = sum(weights.values()), polarity / max(1, len(keywords))
    scores = {emotion: weight / total for emotion, weight in weights.items()}
    return {
        "emotion": max(EMOTIONS, key=scores.get),
        "scores": scores,
        "polarity": polarity,
        "keywords": keywords[:16],
        "excerpt": excerpt(text),
        "aspects": aspects(text, polarity),
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        try:
            length = int(self.headers.get("Content-Length", "-1"))
        except ValueError:
            length = -1
        if not 0 <= length <= BODY_BYTES_MAX:
            self.close_connection = True
            self.answer(413 if length > 0 else 411, {"error": "a body of at most 16 MiB with its length, please"})
            return
        body = self.rfile.read(length)
        try:
            reviews = [(review["id"], review["text"]) for review in json.loads(body)["reviews"]]
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": "expected {\"reviews\": [{\"id\", \"text\"}]}"})
            return
        readings = []
        for identifier, text in reviews:
            try:
                readings.append({"id": identifier, **read(text)})
            except Exception as error:  # one review that can't be read does not spoil the others
                readings.append({"id": identifier, "error": str(error)})
        self.answer(200, {"readings": readings})

    def answer(self, status, document):
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    parser = argparse.ArgumentParser(description="An example model server.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8399)
    arguments = parser.parse_args()
    server = ThreadingHTTPServer((arguments.host, arguments.port), Handler)
    print(f"listening on http://{arguments.host}:{server.server_address[1]}/analyze", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
