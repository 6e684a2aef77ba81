"""The embedded language model: its weights, the loaded engine, grammars, and the generator."""
