export type Node =
  | { type: "text"; value: string }
  | { type: "element"; properties: { className: string[] }; children: Node[] };

export interface Lowlight {
  highlight: (language: string, code: string) => { children: Node[] };
  register: (name: string, grammar: unknown) => void;
  registered: (name: string) => boolean;
}

export function createLowlight(): Lowlight;
