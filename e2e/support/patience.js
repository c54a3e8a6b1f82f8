/** How long to wait for anything that a page or a server is to do: reconnecting alone may take half of it. */
export const PATIENCE_MS = 60_000;

/** For Node's functions that wait. */
export function patience() {
  return { signal: AbortSignal.timeout(PATIENCE_MS) };
}
