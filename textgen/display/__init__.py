"""How things show themselves: a training while it runs, and what Python gives, in a notebook and at a prompt."""
