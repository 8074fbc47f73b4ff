"""Writes the pages of the reference from the code: python -m tools.docs.

They are committed, so that a reader on a code host has them too, and a change of a setting, an option or a table shows
in the diff as its reader will see it. tests/docs holds that they are current. No page has anything of this machine.
"""
