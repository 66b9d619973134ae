"""
Events -> records: one file per kind, one function per report. This is the table of contents.

| events                             | function              | HEP protocol type     |
|------------------------------------|-----------------------|-----------------------|
| CHANNEL_*, CALL_UPDATE, DTMF, ...  | `call_log.call_log`   | 100                   |
| RECV_RTCP_MESSAGE                  | `rtcp.received`       | 5                     |
| SEND_RTCP_MESSAGE                  | `rtcp.sent`           | 5                     |
| CHANNEL_HANGUP_COMPLETE            | `qos.qos`             | 34 (32, 35, 99)       |
| CUSTOM                             | `custom.custom`       | 100                   |
"""
