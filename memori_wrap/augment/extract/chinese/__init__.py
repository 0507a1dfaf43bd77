"""The Chinese grammar: ``grammar.CHINESE``. Cues are characters, since nothing stands between words."""
