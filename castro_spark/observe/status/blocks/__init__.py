"""The blocks of a status, one module each; contents.py lists them."""
