// Short messages in the corner, read out by screen readers because #notices is a live region.

/** Show a notice on the page that comes next, which this one is about to open or to read again. */
export function notifyNext(text) {
  sessionStorage.setItem("notice", text);
}

export function notifyOfBefore() {
  const text = sessionStorage.getItem("notice");
  sessionStorage.removeItem("notice");
  if (text) notify(text);
}

/** Show a notice for some seconds; kind "info" or "danger". */
export function notify(text, kind = "info", seconds = kind === "danger" ? 10 : 5) {
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.dataset.kind = kind;
  notice.dataset.testid = "notice";
  notice.textContent = text;
  document.getElementById("notices")?.append(notice);
  setTimeout(() => notice.remove(), seconds * 1000);
}
