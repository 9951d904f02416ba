//! What several tests share.
pub mod home;
pub mod model_server;
pub mod pty;
