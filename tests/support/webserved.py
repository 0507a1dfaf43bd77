"""``webpages`` for a server of its own process, which imports ``application``; what it needs is in the environment."""

from __future__ import annotations

import os
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any, cast

from memori_wrap import Memori
from memori_wrap.testing.openai_server import FakeOpenAI
from memori_wrap.web import asgi, wsgi
from tests.support import webpages

_kept = ExitStack()


def application_of(framework: str, kind: str) -> Any:
    mem = Memori(
        os.environ["DATABASE"], embedder="none", extractor="none", settings={"recall_budget": 60, "capture_budget": 60}
    )
    server = cast(FakeOpenAI, SimpleNamespace(base_url=os.environ["BASE_URL"]))  # it runs in the test's process
    model = _kept.enter_context(webpages.model_of(mem, server, "owner"))
    if framework == "flask":
        app: Any = webpages.flask_app(model)
    elif framework == "django":
        app = webpages.django_app(model, kind)
    else:
        app = webpages.fastapi_app(model)
    if kind == "asgi":
        return asgi.ScopeMiddleware(app, mem, lambda scope: asgi.header(scope, "x-user"))
    return wsgi.ScopeMiddleware(app, mem, lambda environ: wsgi.header(environ, "x-user"))


application = application_of(os.environ["FRAMEWORK"], os.environ["KIND"])
