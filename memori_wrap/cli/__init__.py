"""The command line: ``memori-wrap demo | chat | recall | facts | doctor | path``."""

from memori_wrap.cli.commands import app

__all__ = ["app"]
