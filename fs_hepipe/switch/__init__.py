"""
All that touches FreeSWITCH: the doors that mod_python3 calls, the commands of fs_cli, the functions we call.
"""
