// The access log: who asked for what, when, and what came of it.
import { momentElement, openLog, paintBadge } from "./audit-log.js";

await openLog({
  url: "/api/v1/access-log",
  draw,
  names: ["user", "method", "status", "from", "to"],
  none: "Nobody has asked for anything yet; requests appear here within seconds.",
}).load();

function draw(entry) {
  const row = document.getElementById("access-piece").content.cloneNode(true).querySelector("tr");
  row.dataset.status = entry.status;
  row.querySelector(".log-time").append(momentElement(entry.occurred_at));
  row.querySelector(".log-user").append(whose(entry));
  row.querySelector(".log-method").textContent = entry.kind === "socket" ? "event" : entry.method;
  row.querySelector(".log-route").textContent = entry.route;
  row.querySelector(".log-object").textContent = entry.object || "";
  row.querySelector(".log-took").textContent = `${entry.duration_ms.toLocaleString(undefined, { maximumFractionDigits: 1 })} ms`;
  row.querySelector(".log-ip").textContent = entry.ip || "–";
  row.querySelector(".log-ip").title = entry.user_agent || "";
  paintBadge(row.querySelector(".badge"), entry.status, entry.status < 400 ? "green" : entry.status < 500 ? "orange" : "red");
  return row;
}

function whose(entry) {
  if (!entry.user_id) return "–";
  const link = document.createElement("a");
  link.href = `/audit/?actor=${entry.user_id}`;
  link.textContent = entry.user || entry.user_id.slice(0, 8);
  return link;
}
