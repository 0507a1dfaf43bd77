"""The command line, ``memori-wrap``; its commands are in ``commands``."""

from memori_wrap.cli.commands import app

__all__ = ["app"]
