"""
Used by every other folder: FreeSWITCH's names, text, numbers, errors, counters, settings, and events.
"""
