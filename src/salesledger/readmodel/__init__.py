"""Questions: the mirror, the projections and the engine that answers them."""
