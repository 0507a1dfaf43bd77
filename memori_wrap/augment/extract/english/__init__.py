"""The English grammar: ``grammar.ENGLISH``. Another language is another folder with the same four parts."""
