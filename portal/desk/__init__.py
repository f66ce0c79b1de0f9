"""The operators' desk: what waits for a person, with its evidence, and the decision about it."""
