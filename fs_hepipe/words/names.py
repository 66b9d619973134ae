"""
FreeSWITCH's names of events and headers, each group with the C function that writes it.

FreeSWITCH's misspellings are kept and marked `# sic`. Headers `variable_*` come only with the events that
switch_channel.c:switch_channel_event_set_extended_data lists; RTCP, DTMF and CODEC events are not among them.
"""

from __future__ import annotations

# --- events (switch_event.c:EVENT_NAMES) ---
CHANNEL_CREATE = "CHANNEL_CREATE"
CHANNEL_PROGRESS = "CHANNEL_PROGRESS"
CHANNEL_PROGRESS_MEDIA = "CHANNEL_PROGRESS_MEDIA"
CHANNEL_ANSWER = "CHANNEL_ANSWER"
CHANNEL_BRIDGE = "CHANNEL_BRIDGE"
CHANNEL_UNBRIDGE = "CHANNEL_UNBRIDGE"
CHANNEL_HOLD = "CHANNEL_HOLD"
CHANNEL_UNHOLD = "CHANNEL_UNHOLD"
CHANNEL_HANGUP = "CHANNEL_HANGUP"
CHANNEL_HANGUP_COMPLETE = "CHANNEL_HANGUP_COMPLETE"
CHANNEL_DESTROY = "CHANNEL_DESTROY"
CHANNEL_UUID = "CHANNEL_UUID"
CHANNEL_EXECUTE = "CHANNEL_EXECUTE"
CHANNEL_EXECUTE_COMPLETE = "CHANNEL_EXECUTE_COMPLETE"
CHANNEL_CALLSTATE = "CHANNEL_CALLSTATE"
CHANNEL_STATE = "CHANNEL_STATE"
CHANNEL_DATA = "CHANNEL_DATA"
CALL_UPDATE = "CALL_UPDATE"
DTMF = "DTMF"
RECV_RTCP_MESSAGE = "RECV_RTCP_MESSAGE"
SEND_RTCP_MESSAGE = "SEND_RTCP_MESSAGE"
CUSTOM = "CUSTOM"
SHUTDOWN = "SHUTDOWN"

LOGGABLE = frozenset({
    CHANNEL_CREATE, CHANNEL_PROGRESS, CHANNEL_PROGRESS_MEDIA, CHANNEL_ANSWER, CHANNEL_BRIDGE, CHANNEL_UNBRIDGE,
    CHANNEL_HOLD, CHANNEL_UNHOLD, CHANNEL_HANGUP, CHANNEL_HANGUP_COMPLETE, CHANNEL_DESTROY, CHANNEL_UUID,
    CHANNEL_EXECUTE, CHANNEL_EXECUTE_COMPLETE, CHANNEL_CALLSTATE, CHANNEL_STATE, CALL_UPDATE, DTMF,
    "CHANNEL_OUTGOING", "CHANNEL_ORIGINATE", "CHANNEL_PARK", "CHANNEL_UNPARK", "CHANNEL_APPLICATION", "CODEC",
    "TALK", "NOTALK", "DETECTED_SPEECH", "DETECTED_TONE", "SESSION_HEARTBEAT", "RECORD_START", "RECORD_STOP",
    "PLAYBACK_START", "PLAYBACK_STOP", "MEDIA_BUG_START", "MEDIA_BUG_STOP",
})  # fmt: skip
"""The events of a channel that the setting `call-events` may name: each carries a Unique-ID."""

# --- every event (switch_event.c:switch_event_prep_for_delivery_detailed) ---
EVENT_NAME = "Event-Name"
EVENT_SUBCLASS = "Event-Subclass"
EVENT_DATE_TIMESTAMP = "Event-Date-Timestamp"
EVENT_SEQUENCE = "Event-Sequence"
CALLING_FUNCTION = "Event-Calling-Function"
SWITCH_NAME = "FreeSWITCH-Switchname"
SWITCH_IPV4 = "FreeSWITCH-IPv4"
SWITCH_IPV6 = "FreeSWITCH-IPv6"

# --- a channel's events (switch_channel.c:switch_channel_event_set_basic_data) ---
UNIQUE_ID = "Unique-ID"
UNIQUEID = "UniqueID"  # sic, of sofia::notify_refer (sofia.c:sofia_handle_sip_i_notify)
OTHER_LEG_UNIQUE_ID = "Other-Leg-Unique-ID"
BRIDGE_A_UNIQUE_ID = "Bridge-A-Unique-ID"  # CHANNEL_BRIDGE and CHANNEL_UNBRIDGE, switch_ivr_bridge.c
BRIDGE_B_UNIQUE_ID = "Bridge-B-Unique-ID"
BRIDGED_TO = "Bridged-To"  # CALL_UPDATE, sofia.c:sofia_update_callee_id and others
LAST_BRIDGE_TO = "variable_last_bridge_to"  # set by each bridge, and kept after its end
OLD_UNIQUE_ID = "Old-Unique-ID"  # CHANNEL_UUID, switch_core_session.c:switch_core_session_set_uuid
CALL_DIRECTION = "Call-Direction"
CHANNEL_NAME = "Channel-Name"
CALLER_ID_NAME = "Caller-Caller-ID-Name"
CALLER_ID_NUMBER = "Caller-Caller-ID-Number"
DESTINATION_NUMBER = "Caller-Destination-Number"
HANGUP_CAUSE = "Hangup-Cause"
CHANNEL_CALL_STATE = "Channel-Call-State"
CHANNEL_STATE_NAME = "Channel-State"
APPLICATION = "Application"  # switch_core_session.c:switch_core_session_exec
APPLICATION_DATA = "Application-Data"
APPLICATION_RESPONSE = "Application-Response"
DTMF_DIGIT = "DTMF-Digit"  # switch_channel.c:switch_channel_dequeue_dtmf
DTMF_DURATION = "DTMF-Duration"
DTMF_SOURCE = "DTMF-Source"

# --- SIP (sofia.c:sofia_handle_sip_i_invite, sofia_handle_sip_i_state; sofia_glue.c:sofia_glue_do_invite) ---
SIP_CALL_ID = "variable_sip_call_id"
SIP_INVITE_CALL_ID = "variable_sip_invite_call_id"  # the Call-ID that an outgoing INVITE will have
SIP_LOCAL_NETWORK_ADDR = "variable_sip_local_network_addr"
SIP_GATEWAY_NAME = "variable_sip_gateway_name"
"""Of a call that went out over a gateway (mod_sofia.c:sofia_outgoing_channel)."""
SIP_GATEWAY = "variable_sip_gateway"
"""Of a call that came in from one (sofia.c)."""
SOFIA_PROFILE_NAME = "variable_sofia_profile_name"
SOFIA_PROFILE_URL = "variable_sofia_profile_url"
SIP_NETWORK_IP = "variable_sip_network_ip"
SIP_NETWORK_PORT = "variable_sip_network_port"
SIP_VIA_PROTOCOL = "variable_sip_via_protocol"
SIP_FULL_VIA = "variable_sip_full_via"
SIP_TERM_STATUS = "variable_sip_term_status"
SIP_INVITE_FAILURE_STATUS = "variable_sip_invite_failure_status"
SIP_INVITE_FAILURE_PHRASE = "variable_sip_invite_failure_phrase"
SIP_HANGUP_DISPOSITION = "variable_sip_hangup_disposition"

# --- how many of FreeSWITCH's log lines a call is to have ---
LOG_LEVEL = "variable_fs_hepipe_log_level"

# --- how long and why (switch_channel.c:switch_channel_set_timestamps, switch_core_state_machine.c) ---
HANGUP_CAUSE_Q850 = "variable_hangup_cause_q850"
DURATION = "variable_duration"
BILLSEC = "variable_billsec"

# --- media (switch_core_media.c: switch_core_media_choose_port, switch_core_media_activate_rtp) ---
LOCAL_MEDIA_IP = "variable_local_media_ip"
LOCAL_MEDIA_PORT = "variable_local_media_port"
REMOTE_MEDIA_IP = "variable_remote_media_ip"
REMOTE_MEDIA_PORT = "variable_remote_media_port"
# What packets were seen to come from, and what was announced then (switch_rtp.c, "Auto Changing"). Video: in place.
REMOTE_AUDIO_IP = "variable_remote_audio_ip"
REMOTE_AUDIO_PORT = "variable_remote_audio_port"
REMOTE_AUDIO_IP_REPORTED = "variable_remote_audio_ip_reported"
REMOTE_AUDIO_PORT_REPORTED = "variable_remote_audio_port_reported"
# Of the RTCP candidate that ICE chose (switch_core_media.c:check_ice).
REMOTE_AUDIO_RTCP_IP = "variable_remote_audio_rtcp_ip"
REMOTE_AUDIO_CANDIDATE_RTCP_PORT = "variable_remote_audio_rtcp_port"
REMOTE_VIDEO_RTCP_IP = "variable_remote_video_rtcp_ip"
REMOTE_VIDEO_CANDIDATE_RTCP_PORT = "variable_remote_video_rtcp_port"
REMOTE_AUDIO_RTCP_PORT = "variable_rtp_remote_audio_rtcp_port"
AUDIO_SSRC = "variable_rtp_use_ssrc"
AUDIO_CODEC_NAME = "variable_rtp_use_codec_name"
AUDIO_CODEC_RATE = "variable_rtp_use_codec_rate"
AUDIO_CODEC_PTIME = "variable_rtp_use_codec_ptime"
AUDIO_PAYLOAD_TYPE = "variable_rtp_audio_recv_pt"
LOCAL_VIDEO_IP = "variable_local_video_ip"
LOCAL_VIDEO_PORT = "variable_local_video_port"
REMOTE_VIDEO_IP = "variable_remote_video_ip"
REMOTE_VIDEO_PORT = "variable_remote_video_port"
REMOTE_VIDEO_RTCP_PORT = "variable_rtp_remote_video_rtcp_port"
VIDEO_SSRC = "variable_rtp_use_video_ssrc"
VIDEO_CODEC_NAME = "variable_rtp_use_video_codec_name"
VIDEO_CODEC_RATE = "variable_rtp_use_video_codec_rate"
VIDEO_TELLS_SENT = "variable_rtp_video_send_rtcp_message_event"
VIDEO_PAYLOAD_TYPE = "variable_rtp_video_recv_pt"
LOCAL_SDP = "variable_rtp_local_sdp_str"
REMOTE_SDP = "variable_switch_r_sdp"
CHANNEL_READ_CODEC_NAME = "Channel-Read-Codec-Name"
CHANNEL_READ_CODEC_RATE = "Channel-Read-Codec-Rate"

# --- RTCP (switch_core_media.c:switch_core_media_read_frame, switch_rtp.c:switch_send_rtcp_event) ---
SSRC = "SSRC"
NTP_MSW = "NTP-Most-Significant-Word"
NTP_LSW = "NTP-Least-Significant-Word"
RTP_TIMESTAMP = "RTP-Timestamp"
SENDER_PACKET_COUNT = "Sender-Packet-Count"
SENDER_OCTET_COUNT = "Octect-Packet-Count"  # sic
RTP_RATE = "RTP-Rate"
CAPTURE_TIME = "Capture-Time"

# --- registrations and gateways (sofia_reg.c) ---
CALL_ID = "call-id"
NETWORK_IP = "network-ip"
NETWORK_PORT = "network-port"
PROFILE_NAME = "profile-name"
CONTACT = "contact"
SIP_CONTACT = "sip_contact"  # of sofia::sip_user_state
REGISTRATION_STATUS = "status"
GATEWAY = "Gateway"
STATUS = "Status"
REGISTER_NETWORK_IP = "Register-Network-IP"
REGISTER_NETWORK_PORT = "Register-Network-Port"

# --- a re-INVITE of the far end: its Unique-ID and nothing of its media (sofia.c:sofia_handle_sip_i_state) ---
REINVITE_SUBCLASS = "sofia::reinvite"

# --- our own event, fired by the dialplan's `fs_hepipe log TEXT` ---
LOG_SUBCLASS = "fs_hepipe::log"
LOG_TEXT = "fs_hepipe-log"

HEADERS = tuple(
    value
    for name, value in globals().copy().items()
    if name.isupper() and isinstance(value, str) and not value.isupper() and "::" not in value
)
"""The headers above: not the events, whose names are in capital letters, nor the subclass."""
