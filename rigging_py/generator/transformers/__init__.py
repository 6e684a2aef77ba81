"""Models of the transformers package in this process: how they are loaded, batched, sampled and stopped."""
