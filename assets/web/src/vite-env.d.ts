/// <reference types="vite/client" />

/** The panel's file, relative to the server's root; put in by the build. */
declare const PANEL_FILE: string;
/** The panel's style sheet as text; put in by the build. */
declare const PANEL_STYLE: string;
