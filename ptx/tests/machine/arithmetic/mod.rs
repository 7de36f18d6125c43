//! Instructions that compute each lane's result from that lane's operands alone.

mod examples;
mod warp;
