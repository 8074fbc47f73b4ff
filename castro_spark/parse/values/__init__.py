"""Values: bytes to a JSON document, its texts to exact values, and codes, names and ids to their normal form."""
