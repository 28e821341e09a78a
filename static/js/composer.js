// The box to write in: Enter sends, Shift+Enter breaks the line, it grows with the text; tells when typing starts and stops.
const TYPING_AGAIN = 3000; // ms between two "typing" signals
const TYPING_OVER = 4000; // ms without a key until typing counts as over

/**
 * @param {{send: (text: string) => void, typing: (yes: boolean) => void}} acts
 * @returns {{focus: () => void, put: (text: string) => void}}
 */
export function watchComposer(acts) {
  const form = document.getElementById("composer");
  const box = document.getElementById("composer-text");
  const signal = typingSignal(acts.typing);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (!text) return;
    box.value = "";
    grow(box);
    signal.stop();
    acts.send(text);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  box.addEventListener("input", () => {
    grow(box);
    if (box.value.trim()) signal.start();
    else signal.stop();
  });
  return {
    focus: () => {
      // On a touch screen focus would open the keyboard over the messages.
      if (matchMedia("(pointer: fine)").matches) box.focus({ preventScroll: true });
    },
    put: (text) => {
      box.value = box.value ? `${box.value}\n${text}` : text;
      grow(box);
      box.focus();
    },
  };
}

/** For browsers without `field-sizing: content`; setting a style property by script is allowed by the policy. */
function grow(box) {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function typingSignal(tell) {
  let last = 0;
  let timer = null;
  const stop = () => {
    clearTimeout(timer);
    if (last) tell(false);
    last = 0;
  };
  const start = () => {
    clearTimeout(timer);
    timer = setTimeout(stop, TYPING_OVER);
    if (Date.now() - last < TYPING_AGAIN) return;
    last = Date.now();
    tell(true);
  };
  return { start, stop };
}
