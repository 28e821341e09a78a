import assert from "node:assert/strict";
import test from "node:test";
import { safePath } from "../../static/js/paths.js";

const HERE = "https://onyx.example";

test("paths of this site are followed", () => {
  assert.equal(safePath("/", HERE), "/");
  assert.equal(safePath("/c/1?at=2", HERE), "/c/1?at=2");
});

test("nothing leads to another site, however it is written", () => {
  const wrong = ["//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil", "", null,
    "/.//evil.example/x", "/x/..//evil.example", "/%2e//evil.example", "/./\\evil.example", "/\t/evil.example", "/login", "/login?next=/x"];
  for (const path of wrong) {
    const safe = safePath(path, HERE);
    assert.ok(safe === null || new URL(safe, HERE).origin === HERE, `${path} led to ${safe}`);
    assert.ok(safe === null || !safe.startsWith("//"), `${path} led to ${safe}`);
  }
});
