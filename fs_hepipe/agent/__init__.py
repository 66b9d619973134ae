"""
The running agent: its loop, its configuration, and what it tells of itself.
"""
