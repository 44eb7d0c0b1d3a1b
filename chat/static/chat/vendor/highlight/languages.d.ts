import type { LanguageFn } from "highlight.js";

export const GRAMMARS: Record<string, () => Promise<{ default: LanguageFn }>>;
export const ALIASES: Record<string, string>;
export const INNER: Record<string, string[]>;
