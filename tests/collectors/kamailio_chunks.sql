-- One row per datagram; an absent text chunk reads "0" (hexadecimal 30), an absent number 0.
PRAGMA journal_mode = WAL; -- so that whoever reads never locks Kamailio out
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER, family INTEGER, protocol INTEGER,
  src4 TEXT, dst4 TEXT, src6 TEXT, dst6 TEXT, src_port INTEGER, dst_port INTEGER,
  seconds INTEGER, microseconds INTEGER, type INTEGER, capture_id INTEGER,
  key_hex TEXT, correlation_hex TEXT, payload_hex TEXT, keyed INTEGER);
