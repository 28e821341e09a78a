// The one socket of the page: same-origin cookie, WebSocket only. It also leaves for the sign-in page at once when the
// login session is ended elsewhere.
import { get, goToLogin } from "./api.js";
import { io } from "../vendor/socket.io.esm.min.js";

const WORDS = { connecting: "Connecting…", connected: "Connected", reconnecting: "Reconnecting…", offline: "Offline" };
const ACK_TIMEOUT = 5000;
const RENEWED_AFTER = 3000; // the new cookie may come after the word of it; the old one is good for ten seconds

/** Connect once more, with the cookie of now: the session goes on with another token. */
export function anew(socket) {
  socket.io.engine?.close();
  socket.connect();
}

/** Connect; `onConnect` runs after every (re)connection, `show` gets "connected", "reconnecting" and so on. */
export function openSocket(onConnect = () => {}, show = () => {}) {
  const socket = io("/", { transports: ["websocket"], reconnectionDelayMax: 5000 });
  let ever = false;
  socket.on("connect", () => {
    ever = true;
    show("connected");
    onConnect();
  });
  socket.on("disconnect", () => show(navigator.onLine ? "reconnecting" : "offline"));
  socket.on("connect_error", () => {
    show(navigator.onLine ? (ever ? "reconnecting" : "connecting") : "offline");
    if (!socket.active) refused(socket, show);
  });
  socket.on("disconnect", (reason) => {
    if (reason === "io server disconnect") refused(socket, show);
  });
  socket.on("session:renewed", () => setTimeout(() => anew(socket), RENEWED_AFTER));
  socket.on("session:revoked", ({ reason } = {}) => {
    socket.disconnect();
    goToLogin(reason);
  });
  addEventListener("offline", () => show("offline"));
  addEventListener("online", () => {
    if (!socket.connected) return socket.connect();
    show("connected");
    onConnect();
  });
  return socket;
}

/** Emit and wait for the acknowledgement; rejects after five seconds without one. */
export function request(socket, event, payload) {
  return socket.timeout(ACK_TIMEOUT).emitWithAck(event, payload);
}

/** The server sent the socket away: find out over HTTP whether the session is over, else try again. */
async function refused(socket, show) {
  show("reconnecting");
  try {
    await get("/api/v1/users/me"); // a 401 leaves for the sign-in page
  } catch (error) {
    if (error.status === 401) return;
  }
  setTimeout(() => socket.connect(), 2000);
}

/** Show the state in the page's badge (ui.live_badge). */
export function showInBadge(state) {
  for (const badge of document.querySelectorAll("[data-live]")) {
    badge.dataset.state = state;
    badge.querySelector("[data-live-text]").textContent = WORDS[state];
  }
}
