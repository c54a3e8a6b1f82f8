// The cookie of cookie delivery: only requests of the page's own origin change it, and no script reads it.

/** How long the server may take. */
const TIMEOUT_MS = 10_000;

/**
 * Exchanges a one-time ticket for the cookie, and says whether the cookie is there; or clears it where the ticket is
 * null. What is left of a cookie that could not be cleared is dead on the server. Without a ticket, it only stops what is
 * under way: an answer that comes late must not put an older cookie over a newer one.
 */
export type Cookie = (ticket?: string | null) => Promise<boolean>;

/** At the endpoint's own origin, which has to be the page's. */
export function cookieOf(endpoint: URL): Cookie {
  const url = new URL("/session/cookie", endpoint.href.replace("ws", "http"));
  let running: AbortController | undefined;
  return async (ticket) => {
    running?.abort();
    if (ticket === undefined) return false;
    const own = new AbortController();
    running = own;
    setTimeout(() => own.abort(), TIMEOUT_MS);
    try {
      const answer = await fetch(url, {
        method: ticket ? "POST" : "DELETE",
        headers: { "content-type": "application/json" },
        body: ticket && JSON.stringify({ ticket }),
        signal: own.signal,
      });
      // A head that breaks off passes for a whole one, without the cookie; a body does not.
      return answer.ok && !!(await answer.json());
    } catch {
      return false;
    }
  };
}
