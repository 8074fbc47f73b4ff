"""The sections of the settings, each typed and validated; settings/model.py puts them together."""
