"""Small real processes in the place of services."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# Listens on PORT, or on a free one; says so as a service does; answers as READY wants it; ends with
# 0 on SIGTERM.
SERVICE = """
import http.server, json, os, signal, sys
READY = os.environ.get("READY", "yes")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        refusal = {"detail": "the golden predictions moved", "refusal": "golden"}
        body = refusal if READY == "refused" else {}
        self.send_response(200 if READY == "yes" else 503)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if READY == "broken":
    sys.exit("broken settings")
port = int(os.environ.get("PORT", "0"))
try:
    server = http.server.HTTPServer(("127.0.0.1", port), Handler)
except OSError:
    print(json.dumps({"event": "cannot listen", "port": port}), flush=True)
    sys.exit(3)
print(json.dumps({"event": "listening", "port": server.server_port}), flush=True)
server.serve_forever()
"""

Make = Callable[..., Path]


@pytest.fixture
def make_service(tmp_path: Path) -> Make:
    def make(name: str = "Some-Service", **settings: str) -> Path:
        folder = tmp_path / name
        (folder / "models" / "some").mkdir(parents=True)
        (folder / "models" / "some" / "manifest.json").write_text("{}", encoding="utf-8")
        lines = [
            'package = "some"',
            "port = 9001",
            'answers = "what READY says"',
            "[demo]",
            "requests = []",
            "[demo.settings]",
            *(f'{k} = "{v}"' for k, v in settings.items()),
        ]
        (folder / "service.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
        (folder / "some.py").write_text(SERVICE, encoding="utf-8")
        return folder

    return make
