#!/usr/bin/env python3
"""In place of `python`, where `python -m vllm...` is called: a server that is up in a moment.

Health, models, chat; /crash ends it at once. A child of it lives in its group, as vLLM's engines
do. STANDIN_DELAY: seconds to start; STANDIN_FAIL: what it says as it fails. As vllm-router, it
passes on what it is asked, in turn.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def given(flag: str) -> str:
    return sys.argv[sys.argv.index(flag) + 1]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/crash":
            os._exit(3)
        self.reply({"object": "list", "data": [{"id": NAME, "object": "model"}]})

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if WORKERS:
            url = next(WORKERS) + self.path
            sent = urllib.request.Request(url, asked, {"Content-Type": "application/json"})
            with urllib.request.urlopen(sent) as replied:
                self.reply(json.load(replied))
            return
        message = {"role": "assistant", "content": f"{NAME} of {os.getpid()}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": NAME}
        usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
        self.reply({**body, "choices": [choice], "usage": usage})

    def reply(self, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    if reason := os.environ.get("STANDIN_FAIL"):
        sys.exit(reason)
    if sys.argv[1] == "-c":  # whether there is a package
        sys.exit(0)
    if "--fail" in sys.argv:
        sys.exit("no such router")
    router = "vllm_router.launch_router" in sys.argv
    NAME = "router" if router else given("--served-model-name")
    first = sys.argv.index("--worker-urls") + 1 if router else 0
    urls = sys.argv[first : sys.argv.index("--prometheus-port")] if router else []
    WORKERS = itertools.cycle(urls) if urls else None
    engine = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    signal.signal(signal.SIGTERM, lambda *_: (engine.kill(), os._exit(0)))
    time.sleep(float(os.environ.get("STANDIN_DELAY", "0.3")))
    ThreadingHTTPServer(("127.0.0.1", int(given("--port"))), Handler).serve_forever()
