"""How things are said: languages, numbers and times, bytes. Pure."""
