// The live numbers of administrators: namespace /live on the page's one connection.
import { goToLogin } from "./api.js";
import { anew, showInBadge } from "./socket.js";
import { io } from "../vendor/socket.io.esm.min.js";

/** Listen on /live; `handlers` maps event names to functions. Keeps the page's live badge honest. */
export function watchLive(handlers) {
  const socket = io("/live", { transports: ["websocket"], reconnectionDelayMax: 5000 });
  let ever = false;
  socket.on("connect", () => {
    ever = true;
    showInBadge("connected");
    handlers.connected?.();
  });
  socket.on("disconnect", (reason) => {
    showInBadge(navigator.onLine ? "reconnecting" : "offline");
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 2000);
  });
  socket.on("connect_error", () => {
    showInBadge(navigator.onLine ? (ever ? "reconnecting" : "connecting") : "offline");
    if (!socket.active) setTimeout(() => socket.connect(), 5000);
  });
  socket.on("session:renewed", () => setTimeout(() => anew(socket), 3000));
  socket.on("session:revoked", ({ reason } = {}) => {
    socket.disconnect();
    goToLogin(reason);
  });
  for (const [event, handler] of Object.entries(handlers)) {
    if (event !== "connected") socket.on(event, handler);
  }
  return socket;
}

/** Write numbers into elements with data-stat="name". */
export function showStats(stats) {
  for (const element of document.querySelectorAll("[data-stat]")) {
    const value = stats[element.dataset.stat];
    element.textContent = value === undefined || value === null ? "–" : words(value, element.dataset.unit);
  }
}

function words(value, unit = "") {
  const number = typeof value === "number" ? value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 }) : String(value);
  return unit ? `${number} ${unit}` : number;
}
