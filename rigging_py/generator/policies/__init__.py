"""Policies: generators that ask others under a rule, as in `retry(limit(openai!gpt-4o),rpm=60),attempts=5`."""
