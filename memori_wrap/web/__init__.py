"""A web server's requests, each under its user's scope: ``memori_wrap.web.asgi`` and ``memori_wrap.web.wsgi``."""
