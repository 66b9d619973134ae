"""
Datagrams -> collectors: sending never blocks, each outcome is counted.
"""
