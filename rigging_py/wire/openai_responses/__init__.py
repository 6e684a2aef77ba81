"""The OpenAI responses API."""
