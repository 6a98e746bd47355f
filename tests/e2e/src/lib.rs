//! Tests on a real API server and a real node.
