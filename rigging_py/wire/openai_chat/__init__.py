"""The OpenAI chat-completions API, and what other servers of it have of their own."""
