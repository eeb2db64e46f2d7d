"""The queue: questions and answers in a database."""
