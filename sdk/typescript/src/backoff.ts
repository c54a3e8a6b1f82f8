// How long to wait before connecting again (protocol, section 14).

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * Full jitter: a random part of a bound that doubles with every failure, so that clients that lost one server do not
 * come back as one. `dice` are at least four random bytes.
 */
export function backoffMs(failures: number, dice: Uint8Array): number {
  const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  const chance = new DataView(dice.buffer, dice.byteOffset).getUint32(0);
  return Math.floor((bound * chance) / 2 ** 32);
}
