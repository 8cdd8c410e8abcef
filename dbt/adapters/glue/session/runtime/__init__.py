"""Files that run in the session, sent as text.

The adapter imports those that it runs itself: `lexer`; over Spark Connect `errors` and `python`.
"""
