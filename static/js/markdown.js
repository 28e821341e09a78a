// Markdown to DOM: marked makes HTML, code is highlighted in its renderer, DOMPurify lets through a short list.
// Raw HTML in the text is shown as text; images become their description (they would fetch from elsewhere).
import hljs from "../vendor/highlight.min.js";
import { Marked } from "../vendor/marked.esm.js";
import DOMPurify from "../vendor/purify.es.mjs";

const SAFE_LINK = /^(?:https?:\/\/|mailto:)/i;
const ALLOWED = {
  ALLOWED_TAGS: ["a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"],
  ALLOWED_ATTR: ["class", "href", "rel", "start", "target"],
  ALLOWED_URI_REGEXP: SAFE_LINK,
  ADD_URI_SAFE_ATTR: ["rel", "start", "target"], // else the pattern for addresses would be held against these too
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

const marked = new Marked({ gfm: true, breaks: true, async: false });
marked.use({
  renderer: {
    html: (token) => escape(token.text),
    image: (token) => escape(token.text || "image"),
    checkbox: (token) => (token.checked ? "☑ " : "☐ "),
    code: (token) => code(token.text, (token.lang ?? "").trim().split(/\s+/)[0]),
    link(token) {
      const words = this.parser.parseInline(token.tokens);
      if (!SAFE_LINK.test(token.href)) return words;
      return `<a href="${escape(token.href)}" rel="noopener noreferrer" target="_blank">${words}</a>`;
    },
  },
});

/** A sanitised fragment for a message's Markdown. */
export function render(text) {
  return DOMPurify.sanitize(marked.parse(text), ALLOWED);
}

function code(text, language) {
  const known = language && hljs.getLanguage(language);
  const inner = known ? hljs.highlight(text, { language, ignoreIllegals: true }).value : escape(text);
  const name = /^[\w+#.-]{1,30}$/.test(language) ? ` language-${language}` : "";
  return `<pre><code class="hljs${name}">${inner}</code></pre>`;
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
