"""``python -m memori_wrap.cli``: where the scripts of the installation are not on the PATH."""

from memori_wrap.cli import app

app()
