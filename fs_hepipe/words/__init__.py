"""
What every other folder uses: FreeSWITCH's names, text, numbers, errors, counters, settings, and what an event is.
"""
