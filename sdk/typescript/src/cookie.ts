// The cookie of cookie delivery: only requests of the page's own origin change it, and no script reads it.

/** How long the server may take. */
const TIMEOUT_MS = 10_000;

export interface Cookie {
  /** Exchanges a one-time ticket for the cookie; says whether it is there now. */
  exchange(ticket: string): Promise<boolean>;
  /** Says whether it is gone. What is left of it is dead on the server. */
  clear(): Promise<boolean>;
}

/** At the endpoint's own origin, which has to be the page's. */
export function cookieOf(endpoint: URL): Cookie {
  const url = new URL("/session/cookie", endpoint.href.replace("ws", "http"));
  const ask = async (method: string, body: string | null): Promise<boolean> => {
    try {
      const headers = { "content-type": "application/json" };
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      return (await fetch(url, { method, body, headers, signal, credentials: "same-origin" })).status === 204;
    } catch {
      return false;
    }
  };
  return { exchange: (ticket) => ask("POST", JSON.stringify({ ticket })), clear: () => ask("DELETE", null) };
}
