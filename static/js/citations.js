// Where an answer comes from: each source can be opened in place and followed to its file or chat.

/** <details> elements for metadata.citations ([{n?, kind: "file"|"chat", id, title, excerpt}]). */
export function citationsOf(metadata) {
  const list = Array.isArray(metadata?.citations) ? metadata.citations : [];
  return list.map((citation, index) => draw(citation, citation.n ?? index + 1));
}

function draw({ kind, id, title, excerpt }, number) {
  const element = document.getElementById("citation-piece").content.cloneNode(true).querySelector("details");
  element.dataset.kind = kind;
  element.querySelector(".citation-number").textContent = String(number);
  element.querySelector(".citation-title").textContent = `${kind === "chat" ? "Chat" : "File"}: ${title || "untitled"}`;
  element.querySelector("blockquote").textContent = excerpt ?? "";
  const link = element.querySelector("a");
  link.textContent = kind === "chat" ? "Open this chat" : "Open this file";
  link.href = kind === "chat" ? `/c/${encodeURIComponent(id)}` : `/files?open=${encodeURIComponent(id)}`;
  if (kind === "chat") link.dataset.openChat = id;
  return element;
}
