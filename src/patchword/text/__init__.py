"""The text wing: parallel text to vocabulary, batches, search, `Translator` and scores."""
