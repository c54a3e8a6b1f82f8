// A second client that has the token and nothing else: what a thief has who copied it.

const PROTOCOL = "handfast.v1";

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
