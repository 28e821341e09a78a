// What is asked before an organisation is closed or opened.

/** The question for `ask()` before `verb` is done to an organisation. */
export function question(verb, name) {
  return {
    suspend: { title: `Suspend ${name}?`, action: "Suspend", danger: true, text: "Everybody there is signed out at once and cannot sign in until you resume it. Nothing is lost." },
    archive: { title: `Archive ${name}?`, action: "Archive", danger: true, text: "Everybody there is signed out at once, and no job works for it any more. Its data are kept; you can bring it back." },
    resume: { title: `Resume ${name}?`, action: "Resume", text: "Its people can sign in again." },
  }[verb];
}

/** A number of bytes in words; a dash for what was not measured. */
export function bytes(count) {
  if (count === null || count === undefined) return "–";
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = count ? Math.min(units.length - 1, Math.floor(Math.log10(count) / 3)) : 0;
  return `${(count / 1000 ** power).toLocaleString("en", { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
}

export const number = (count) => (count ?? "–").toLocaleString("en");
