"""HEP3: a typed `Message`, its octets, and the construct schema between them."""

from fs_hepipe.hep.decoder import Framing, Parsed, Reading, decode, parse, read
from fs_hepipe.hep.encoder import Flow, encode
from fs_hepipe.hep.message import Chunk, Message
from fs_hepipe.hep.registry import MAX_UDP_LENGTH, ChunkType, IpFamily, IpProtocol, ProtocolType

__all__ = [
    "MAX_UDP_LENGTH",
    "Chunk",
    "ChunkType",
    "Flow",
    "Framing",
    "IpFamily",
    "IpProtocol",
    "Message",
    "Parsed",
    "ProtocolType",
    "Reading",
    "decode",
    "encode",
    "parse",
    "read",
]
