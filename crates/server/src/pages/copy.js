// A second client that has the token and nothing else: what a thief has who copied it.

const PROTOCOL = "handfast.v1";
/** Three parts of base64url, as tokens and tickets are written. */
const TOKEN = /[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/;

/** A token in anything that a script of this page can read; null where there is none. */
export function findToken() {
  const readable = [document.cookie, ...Object.values(localStorage), ...Object.values(sessionStorage)];
  return readable.map((text) => TOKEN.exec(text)?.[0]).find(Boolean) ?? null;
}

/**
 * Presents `token` on a connection of its own.
 *
 * @returns {Promise<{type: string, reason?: string}>} the server's answer; of type `lost` where none came
 */
export function presentElsewhere(url, token) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, PROTOCOL);
    socket.onopen = () => socket.send(`@${JSON.stringify({ type: "RefreshToken", token, id: 1 })}`);
    socket.onclose = () => resolve({ type: "lost" });
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(data.slice(1));
      if (answer.id !== 1) return;
      resolve(answer);
      // An accepted copy stays, as a thief would.
      if (answer.type !== "Success") socket.close();
    };
  });
}
