"""The sections of the settings, each typed and validated; settings.py puts them together."""
