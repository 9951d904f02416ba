//! The only place that builds concrete things and joins them.
