export const GRAMMARS: Record<string, () => Promise<{ default: unknown }>>;
export const ALIASES: Record<string, string>;
export const INNER: Record<string, string[]>;
