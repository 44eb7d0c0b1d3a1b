import assert from "node:assert/strict";
import { test } from "node:test";

import { byDay } from "../../../chat/static/chat/sidebar/days.js";

/** @param {[year: number, month: number, day: number, hours?: number, minutes?: number]} moment */
const at = (...moment) => new Date(...moment).getTime();
/** @param {string} id @param {number} ms */
const row = (id, ms) => ({ id, updated_at: ms / 1000 });
/** @param {ReturnType<typeof row>[]} rows @param {number} now */
const grouped = (rows, now) => byDay(rows, now).map(({ name, rows: its }) => [name, its.map(({ id }) => id)]);

test("a day ends at the reader's midnight, not after 24 hours", () => {
  const now = at(2026, 4, 12, 0, 30);
  const rows = [
    row("a", at(2026, 4, 12, 0, 0)),
    row("b", at(2026, 4, 11, 23, 59)),
    row("c", at(2026, 4, 11)),
    row("d", at(2026, 4, 10, 23, 59)),
  ];
  assert.deepEqual(grouped(rows, now), [
    ["Today", ["a"]],
    ["Yesterday", ["b", "c"]],
    ["Earlier", ["d"]],
  ]);
});

test("yesterday is the whole day before, also over the end of a month", () => {
  const now = at(2026, 2, 1, 12);
  assert.deepEqual(grouped([row("a", at(2026, 1, 28))], now), [["Yesterday", ["a"]]]);
});

test("there is no heading without rows, and a clock that is ahead is today's", () => {
  const now = at(2026, 4, 12, 12);
  assert.deepEqual(grouped([], now), []);
  assert.deepEqual(grouped([row("a", now + 90_000_000), row("b", at(2020, 0, 1))], now), [
    ["Today", ["a"]],
    ["Earlier", ["b"]],
  ]);
});

test("pinned rows come first, whatever their day", () => {
  const now = at(2026, 4, 12, 12);
  const rows = [
    { ...row("old", at(2020, 0, 1)), pinned_at: 5 },
    { ...row("new", now), pinned_at: null },
  ];
  assert.deepEqual(grouped(rows, now), [
    ["Pinned", ["old"]],
    ["Today", ["new"]],
  ]);
});
