//! What several tests share.
pub mod home;
pub mod model_server;
pub mod pty;
pub mod laws;
pub mod model_server;
pub mod operator;
pub mod picture;
pub mod world;
