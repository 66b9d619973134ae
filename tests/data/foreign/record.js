// hep-js 1.0.22 encodes three reports; each goes to hepjs_<what>.hex beside this file. See README.md.
const fs = require("fs");
const path = require("path");
const hepjs = require("../../collectors/hepjs/node_modules/hep-js");

const flow = {
  protocolFamily: 2, protocol: 17, srcIp: "198.51.100.7", dstIp: "192.0.2.10", srcPort: 28587, dstPort: 21901,
  timeSeconds: 1795402163, timeUseconds: 146092, captureId: 2001, hepNodeName: "fs1", capturePass: "s3cret",
  correlation_id: "52176daf-618b-1240-d1b8-96a756392f48",
};
const messages = {
  rtcp: [JSON.stringify({ type: 200, ssrc: 2131240599, report_blocks: [] }), { ...flow, payloadType: 5 }],
  // 1.0.22 looks at proto_type for the MOS chunk and at payloadType for the protocol type
  qos: [JSON.stringify({ MOS: 4.38 }), { ...flow, payloadType: 35, proto_type: 35, mos: 438 }],
  // a transaction type (chunk 0x24) and an extension of another vendor, behind the payload
  log: ["CHANNEL_CREATE", { ...flow, payloadType: 100, transaction_type: "call", note: 258 }],
};

hepjs.addVendorExtensions({ 1: { 128: { keyName: "note", type: "UInt16" } } });
for (const [what, [payload, rcinfo]] of Object.entries(messages)) {
  const datagram = hepjs.encapsulate(payload, rcinfo);
  fs.writeFileSync(path.join(__dirname, `hepjs_${what}.hex`), datagram.toString("hex").replace(/.{1,80}/g, "$&\n"));
}
