// The lanes that run in node: node lane.js NAME '{"recording": …, "port": …, …}'
//
// They speak as bench/lane.py does: what they are, then for each line on stdin the CPU time of the process per
// operation in µs, everything of node's included. What the handler does is hepipe.js's job for an event (parse it, find
// its call, make the report, wrap it with hep-js, send it), written for this bench and lean on purpose: one packet per
// event, no logging, addresses at hand, a connected socket.
'use strict';
const dgram = require('dgram');
const { EventEmitter } = require('events');
const fs = require('fs');
const readline = require('readline');
const zlib = require('zlib');
const hepjs = require('hep-js');
const { Parser } = require('modesl');

const FEW = 20; // events per turn of node's loop, as one read of the event socket brings them

const versions = {
  node: process.versions.node,
  'hep-js': require('hep-js/package.json').version,
  modesl: require('modesl/package.json').version,
};
const [lane, json] = process.argv.slice(2);
const options = JSON.parse(json);

// --- encode ---

function encodeLane() {
  const { message, timestamp, count } = options;
  const build = (seconds, micros) => hepjs.encapsulate(message.payload, {
    protocolFamily: 2,
    protocol: message.ip_protocol,
    srcIp: message.src_ip,
    dstIp: message.dst_ip,
    srcPort: message.src_port,
    dstPort: message.dst_port,
    timeSeconds: seconds,
    timeUseconds: micros,
    payloadType: message.protocol_type,
    captureId: message.capture_id,
    hepNodeName: message.node_name,
    capturePass: message.auth_key,
    correlation_id: message.correlation_id,
  });
  const seconds = Math.floor(timestamp / 1e6);
  const micros = timestamp % 1e6;
  tell({ versions, sample: build(seconds, micros).toString('hex') });
  answer(async () => {
    const began = process.cpuUsage();
    for (let i = 0; i < count; i++) build(seconds, micros + i);
    const { user, system } = process.cpuUsage(began);
    return { us: (user + system) / count };
  });
}

// --- events ---

// The events of these names as the event socket writes them (`event json`), one Buffer each.
function recorded(wanted) {
  const lines = zlib.gunzipSync(fs.readFileSync(options.recording)).toString().split('\n').filter(Boolean);
  const bodies = lines.filter((line) => wanted.includes(JSON.parse(line)['Event-Name']));
  return bodies.map((body) => Buffer.from(
    `Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-json\n\n${body}`));
}

const number = (event, header) => parseInt(event.getHeader(header), 10);

class Agent {
  constructor(parser, socket) {
    this.calls = new Map();
    this.sent = 0;
    this.socket = socket;
    parser.on('esl::event', (event) => this.handle(event));
  }

  handle(event) {
    const name = event.getHeader('Event-Name');
    if (name === 'RECV_RTCP_MESSAGE') this.rtcp(event, 'Source0-', true);
    else if (name === 'SEND_RTCP_MESSAGE') this.rtcp(event, 'Source-', false);
    else this.channel(event);
  }

  channel(event) {
    const uniqueId = event.getHeader('Unique-ID');
    const call = this.calls.get(uniqueId) || {};
    call.callId = event.getHeader('variable_sip_call_id') || call.callId;
    call.local = event.getHeader('variable_sip_local_network_addr') || call.local;
    call.remote = event.getHeader('variable_sip_network_ip') || call.remote;
    call.remotePort = event.getHeader('variable_sip_network_port') || call.remotePort;
    call.mediaLocal = event.getHeader('variable_local_media_ip') || call.mediaLocal;
    call.mediaLocalPort = event.getHeader('variable_local_media_port') || call.mediaLocalPort;
    call.mediaRemote = event.getHeader('variable_remote_media_ip') || call.mediaRemote;
    call.mediaRemotePort = event.getHeader('variable_remote_media_port') || call.mediaRemotePort;
    this.calls.set(uniqueId, call);
    this.send(JSON.stringify(event), 100, number(event, 'Event-Date-Timestamp'), call.callId || uniqueId,
      call.local, 5060, call.remote, call.remotePort);
  }

  rtcp(event, prefix, received) {
    const call = this.calls.get(event.getHeader('Unique-ID'));
    const report = {
      type: 200,
      ssrc: parseInt(event.getHeader('SSRC'), 16),
      report_count: 1,
      report_blocks: [{
        source_ssrc: parseInt(event.getHeader(`${prefix}SSRC`), 16),
        fraction_lost: number(event, `${prefix}Fraction`),
        packets_lost: number(event, `${prefix}Lost`),
        highest_seq_no: number(event, `${prefix}Highest-Sequence-Number-Received`),
        ia_jitter: number(event, `${prefix}Jitter`),
        lsr: number(event, `${prefix}LSR`),
        dlsr: number(event, `${prefix}DLSR`),
      }],
      sender_information: {
        ntp_timestamp_sec: number(event, 'NTP-Most-Significant-Word'),
        ntp_timestamp_usec: number(event, 'NTP-Least-Significant-Word'),
        rtp_timestamp: number(event, 'RTP-Timestamp'),
        packets: number(event, 'Sender-Packet-Count'),
        octets: number(event, 'Octect-Packet-Count'),
      },
    };
    const local = [call.mediaLocal, call.mediaLocalPort];
    const remote = [call.mediaRemote, call.mediaRemotePort];
    const [source, destination] = received ? [remote, local] : [local, remote];
    this.send(JSON.stringify(report), 5, number(event, 'Capture-Time'), call.callId, ...source, ...destination);
  }

  send(payload, payloadType, micros, callId, srcIp, srcPort, dstIp, dstPort) {
    this.sent += 1;
    this.socket.send(hepjs.encapsulate(payload, {
      protocolFamily: 2,
      protocol: 17,
      srcIp,
      dstIp,
      srcPort,
      dstPort,
      timeSeconds: Math.floor(micros / 1e6),
      timeUseconds: micros % 1e6,
      payloadType,
      captureId: 2001,
      hepNodeName: 'fsa',
      correlation_id: callId,
    }));
  }
}

function eventLane() {
  const wire = new EventEmitter();
  const socket = dgram.createSocket('udp4');
  socket.connect(options.port, '127.0.0.1', async () => {
    const agent = new Agent(new Parser(wire), socket);
    const feed = async (events) => { // the clock is stopped while a few events are made, as in lane.py
      let us = 0;
      for (let at = 0; at < events.length; at += FEW) {
        const few = events.slice(at, at + FEW).map((event) => Buffer.from(event));
        const began = process.cpuUsage();
        for (const event of few) wire.emit('data', event);
        await new Promise(setImmediate);
        const { user, system } = process.cpuUsage(began);
        us += user + system;
      }
      return us;
    };
    await feed(recorded(options.begin));
    const events = recorded(options.events);
    tell({ versions, events: events.length });
    answer(async () => {
      const before = agent.sent;
      const us = await feed(events);
      return { us: us / events.length, sent: (agent.sent - before) / events.length };
    });
  });
}

// --- what bench.py hears ---

function tell(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

async function answer(batch) {
  for await (const _ of readline.createInterface({ input: process.stdin })) tell(await batch());
  process.exit(0);
}

({ encode: encodeLane, event: eventLane })[lane]();
