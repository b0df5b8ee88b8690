"""Gradient steps made fast: written passes, parameters as one vector, a fused optimiser."""
