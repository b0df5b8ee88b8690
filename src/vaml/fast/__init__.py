"""What makes a gradient step fast: written passes, parameters as one vector, a fused optimiser."""
