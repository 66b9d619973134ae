// HEP datagrams in, one JSON line each out: what hep-js decoded, and whether JSON.parse takes the payload.
// node collector.js HOST PORT
'use strict';
const dgram = require('dgram');
const hepjs = require('hep-js');

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const [host, port] = process.argv.slice(2);
const socket = dgram.createSocket('udp4');
socket.on('message', (datagram) => {
  const decoded = hepjs.decapsulate(datagram); // false when it refuses
  console.log(JSON.stringify({ decoded, json: decoded ? isJson(decoded.payload) : null }));
});
socket.bind(Number(port), host, () => socket.setRecvBufferSize(8 << 20)); // or as much as the system gives
