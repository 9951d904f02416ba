//! What several tests share.
pub mod home;
pub mod laws;
pub mod model_server;
pub mod operator;
pub mod peers;
pub mod picture;
pub mod pty;
pub mod sketch;
pub mod world;
