"""
Everything that touches FreeSWITCH: the entry points that mod_python3 calls, the commands of fs_cli,
the functions we call.
"""
