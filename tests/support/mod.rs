//! What several tests share.
pub mod laws;
pub mod model_server;
pub mod operator;
pub mod picture;
pub mod sketch;
pub mod world;
