"""Value-aware model learning inside actor-critic methods: a reproducible study."""
