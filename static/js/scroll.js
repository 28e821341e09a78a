// Keeps the newest words in view while the reader is at the end, and leaves them alone when they scrolled up.
const NEAR = 80; // px from the end that count as "at the end"

/** @returns {{toEnd: () => void}} */
export function followEnd(box, content, jump) {
  let following = true;
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
  const toEnd = () => {
    following = true;
    box.scrollTop = box.scrollHeight;
  };
  box.addEventListener("scroll", () => {
    following = atEnd();
    jump.hidden = following;
  }, { passive: true });
  new ResizeObserver(() => {
    if (following) box.scrollTop = box.scrollHeight;
    else jump.hidden = atEnd();
  }).observe(content);
  jump.addEventListener("click", toEnd);
  return { toEnd };
}
