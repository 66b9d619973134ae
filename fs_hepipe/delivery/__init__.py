"""
Datagrams to collectors: never waiting, each outcome counted.
"""
