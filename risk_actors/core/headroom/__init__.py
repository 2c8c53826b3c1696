"""How much an account may still do before a rule breaks: pure functions, called for show alone."""
