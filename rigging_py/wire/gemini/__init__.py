"""Google's Gemini API, as generateContent has it."""
