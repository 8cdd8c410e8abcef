"""Files that run in the session, sent as text. The adapter never imports them."""
