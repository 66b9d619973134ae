"""
What is known of a call: its legs, their SIP signalling and their media.
"""
