"""Weights from the hub: the real client of the hub, against a server on this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from memori_wrap_adapters.embedders import weights

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LOAD = """
import sys
from memori_wrap_adapters.embedders.onnx import OnnxEmbedder
embedder = OnnxEmbedder(*sys.argv[1:])
try:
    rows = embedder.embed(["green tea", "coffee"])
    print(rows.shape, embedder.model)
except Exception as error:
    print(type(error).__name__, error)
"""


def small_model(folder: Path, hidden: int = 32, layers: int = 2) -> None:
    """A BERT of random weights, with the tokenizer of the real one."""
    there = weights.packaged()
    assert there is not None
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "modules.json", "1_Pooling/config.json"):
        shutil.copy(there / name, folder / name)
    config = json.loads((there / "config.json").read_text())
    sizes = {"hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": 4, "intermediate_size": 64}
    (folder / "config.json").write_text(json.dumps({**config, **sizes}))
    shapes = {f"embeddings.{name}_embeddings.weight": (count, hidden) for name, count in _TABLES.items()}
    shapes |= {f"embeddings.LayerNorm.{part}": (hidden,) for part in ("weight", "bias")}
    for layer in range(layers):
        for name, (rows, columns) in _LINEAR.items():
            size = {"h": hidden, "i": 64}
            shapes[f"encoder.layer.{layer}.{name}.weight"] = (size[rows], size[columns])
            shapes[f"encoder.layer.{layer}.{name}.bias"] = (size[rows],)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"encoder.layer.{layer}.{name}.{part}": (hidden,) for part in ("weight", "bias")}
    head, blob, draw = {}, b"", np.random.default_rng(1)
    for name, shape in shapes.items():
        data = draw.normal(scale=0.3, size=shape).astype(np.float16).tobytes()
        head[name] = {"dtype": "F16", "shape": shape, "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps(head).encode()
    (folder / weights.WEIGHTS).write_bytes(len(text).to_bytes(8, "little") + text + blob)


_TABLES = {"word": 30522, "position": 512, "token_type": 2}
_LINEAR = {
    "attention.self.query": "hh",
    "attention.self.key": "hh",
    "attention.self.value": "hh",
    "attention.output.dense": "hh",
    "intermediate.dense": "ih",
    "output.dense": "hi",
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str], list[str]]]:
    """The folder that is served under any name, the environment that leads there, and the paths asked for."""
    folder, asked = tmp_path / "served", []

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append(f"{self.command} {path}")
            file = folder / path.partition(f"/resolve/{COMMIT}/")[2]
            if path.startswith("/api/models/"):
                files = {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}
                told: object = {"id": "some/model", "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
                if "/tree/" in path:
                    told = [{"type": "file", "path": n, "size": size, "oid": "0" * 40} for n, size in files.items()]
                self.answer(200, json.dumps(told).encode(), {"content-type": "application/json"})
            elif "/resolve/" in path and file.is_file():
                body = file.read_bytes()
                etag = hashlib.sha256(body).hexdigest()
                self.answer(200, body, {"etag": f'"{etag}"', "x-repo-commit": COMMIT})
            else:
                self.answer(404, b"", {})

        def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        "HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "HF_HOME": str(tmp_path / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    yield folder, environment, asked
    server.shutdown()
    server.server_close()


def load(environment: dict[str, str], *arguments: str, code: str = LOAD) -> str:
    given = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=False, capture_output=True, text=True, env=given
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.slow
def test_a_model_is_had_once_from_the_hub(hub: tuple[Path, dict[str, str], list[str]]) -> None:
    folder, environment, asked = hub
    small_model(folder)
    (folder / "pytorch_model.bin").write_bytes(b"not asked for")
    assert load(environment, "some/model") == "(2, 32) some/model"
    assert any(weights.WEIGHTS in path for path in asked)
    assert not any("pytorch_model.bin" in path for path in asked)
    asked.clear()
    assert load({**environment, "HF_HUB_OFFLINE": "1"}, "some/model") == "(2, 32) some/model"
    assert asked == []


@pytest.mark.slow
def test_a_hub_that_serves_other_weights_is_not_believed(hub: tuple[Path, dict[str, str], list[str]]) -> None:
    folder, environment, _ = hub
    small_model(folder)
    no_package = "import memori_wrap_adapters.embedders.weights as w; w.packaged = lambda: None\n"
    told = load(environment, code=no_package + LOAD)
    assert told.startswith("ConfigurationError the model file")
    assert "is not the official checkpoint" in told


@pytest.mark.slow
def test_a_folder_of_halves_is_read(tmp_path: Path) -> None:
    small_model(tmp_path / "model")
    assert load({}, str(tmp_path / "model")) == f"(2, 32) {tmp_path / 'model'}"
