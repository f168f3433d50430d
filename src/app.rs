//! Builds every service and wires the news; the only place that picks real adapters.
