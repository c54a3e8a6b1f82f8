// What goes over a connection, unit by unit: HTTP/1.1 messages (RFC 9112), then frames of a WebSocket (RFC 6455, 5.2).

const UNKNOWN = Number.POSITIVE_INFINITY;

/** How long the first unit of `bytes` is; more than there is where its end has not come. */
export function unitLength(bytes, isFrame) {
  return isFrame ? frameLength(bytes) : messageLength(bytes);
}

/** What a test looks for in a unit: all of an HTTP message; the payload of a frame, which a client masks. */
export function textOf(unit, isFrame) {
  if (!isFrame) return unit.toString("latin1");
  const start = payloadStart(unit);
  const payload = Buffer.from(unit.subarray(start));
  if (isMasked(unit)) for (const index of payload.keys()) payload[index] ^= unit[start - 4 + (index % 4)];
  return payload.toString();
}

function messageLength(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return UNKNOWN;
  const body = /^content-length: (\d+)/im.exec(bytes.toString("latin1", 0, end))?.[1] ?? 0;
  return end + 4 + Number(body);
}

function frameLength(bytes) {
  if (bytes.length < 2 || bytes.length < payloadStart(bytes)) return UNKNOWN;
  const short = bytes[1] & 0x7f;
  const payload = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  return payloadStart(bytes) + payload;
}

function payloadStart(bytes) {
  const short = bytes[1] & 0x7f;
  const extended = short < 126 ? 0 : short === 126 ? 2 : 8;
  return 2 + extended + (isMasked(bytes) ? 4 : 0);
}

function isMasked(bytes) {
  return (bytes[1] & 0x80) !== 0;
}
