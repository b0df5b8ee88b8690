"""Value-aware model learning inside actor-critic methods: a reproducible study."""

__version__ = "0.1.0"
