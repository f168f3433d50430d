//! The doors: HTTPS, API, WebSocket, pages.
