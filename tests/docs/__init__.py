"""The documentation: what is written from the code is current, its links lead somewhere, its commands are possible."""
