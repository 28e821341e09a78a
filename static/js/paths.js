// Where a link may send people: places on this very site.

/** The path if it stays on this site, else null: a link must not send people elsewhere after they signed in. */
export function safePath(path, origin) {
  if (!path || !path.startsWith("/")) return null;
  let target;
  try {
    target = new URL(path, origin);
  } catch {
    return null;
  }
  // "/.//evil.example" is a path of this site whose tidied form, "//evil.example", is another site.
  if (target.origin !== origin || target.pathname.startsWith("//") || target.pathname === "/login") return null;
  return target.pathname + target.search;
}
