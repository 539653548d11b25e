// What the scripts of pages share with the pages that load them.

/** `vts(42)` counts a view of a content, `vts("/path")` a page view; `more` are fields of docs/api.md. */
export interface Vts {
  (what: any, more?: Record<string, unknown>): void;
  /** Calls made before the script was there. */
  q?: [unknown, Record<string, unknown>?][];
}

/** An element whose impressions are counted. */
export interface Shown extends HTMLElement {
  /** What was counted last for it. */
  vtsPost?: string;
  /** When it last came into the window or left it. */
  vtsEntry?: Entry;
}

/** What the browser says when half of such an element comes into the window, or no longer is there. */
export interface Entry extends IntersectionObserverEntry {
  target: Shown;
}

declare global {
  interface Window {
    vts?: Vts;
  }
  interface Navigator {
    /** Global Privacy Control; not in every browser. */
    globalPrivacyControl?: boolean;
  }
}
