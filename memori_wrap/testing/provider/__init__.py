"""The parts of the provider suite, see ``memori_wrap.testing.provider_suite``."""
