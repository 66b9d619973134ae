"""
The running agent: its loop, its configuration and its status.
"""
