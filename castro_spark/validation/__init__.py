"""Checks of everything that a start depends on (the job `validate`), before anything is started."""
